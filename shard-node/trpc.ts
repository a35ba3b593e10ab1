// The type of lxp's tRPC router, made of its operations. Do not edit; after a change of an operation:
//   LXP_REGENERATE=1 cargo nextest run --workspace -E 'test(the_committed_types)'
//
//   import { createTRPCClient, httpBatchLink } from "@trpc/client";
//   const client = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${base}/trpc`, headers })] });
//
// Ids, dates and instants are texts, and so are decimals. A list that is asked for with `select` has of its items the
// members that were selected.

import type {
  TRPC_ERROR_CODE_KEY,
  TRPC_ERROR_CODE_NUMBER,
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
} from "@trpc/server";

type Query<I, O> = TRPCQueryProcedure<{ input: I; output: O; meta: object }>;
type Mutation<I, O> = TRPCMutationProcedure<{ input: I; output: O; meta: object }>;
type Root = { ctx: object; meta: object; errorShape: ErrorShape; transformer: false };

/** What a call is refused with; `data.problem` is what REST would answer. */
export type ErrorShape = {
  message: string;
  code: TRPC_ERROR_CODE_NUMBER;
  data: {
    code: TRPC_ERROR_CODE_KEY;
    httpStatus: number;
    path: string;
    problem: Problem & { [member: string]: unknown };
  };
};
/** An api client. */
export type ApiClient = {
  /** What it names itself by at `/oauth/token`. */
  clientId: string;
  clientSecret?: ClientSecret | null;
  /** When it was made. */
  createdAt: string;
  /** Who made it: `sub` of the token. */
  createdBy: string;
  /** What it is for. */
  description: string;
  /** From when on it is not taken any more; null: it does not expire. */
  expiresAt?: string | null;
  /** Its id: `sub` of its tokens. */
  id: string;
  /** When it got a token last, to the minute. */
  lastUsedAt?: string | null;
  /** Its name. */
  name: string;
  /** Until when the secret before this one is taken, too. */
  previousSecretUntil?: string | null;
  /** Since when it is revoked. */
  revokedAt?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** ACTIVE, EXPIRED or REVOKED. */
  status: string;
  /** When it was changed last. */
  updatedAt: string;
};
export type ApiClientPage = {
  items: Array<ApiClient>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What a student may be marked as. */
export type AttendanceCode = {
  /** The code, unique in the institution. */
  code: string;
  /** How much of a presence it counts as, 0 to 1; null: it is left out of rates. */
  countsAs?: number | null;
  /** When it was made. */
  createdAt: string;
  /** Its id. */
  id: string;
  /** Its name. */
  name: string;
  /** Raised by every change. */
  rowVersion: number;
  /** When it was changed last. */
  updatedAt: string;
};
export type AttendanceCodePage = {
  items: Array<AttendanceCode>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What a student is marked as in a session. */
export type AttendanceRecord = {
  /** The code, such as PRESENT. */
  code: string;
  /** When it was made. */
  createdAt: string;
  /** The enrolment by which the student was in the class on that day. */
  enrollmentId: string;
  /** Its id. */
  id: string;
  /** The user who did it. */
  markedBy: string;
  /** MARKED by staff, or `CHECK_IN` by the student's own. */
  method: string;
  /** A remark. */
  note?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** The session. */
  sessionId: string;
  /** The student. */
  studentId: string;
  /** When it was changed last. */
  updatedAt: string;
};
export type AttendanceRecordPage = {
  items: Array<AttendanceRecord>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A meeting of a class in which students are marked. */
export type AttendanceSession = {
  /** Until when students may check in, where a code was made. */
  checkInUntil?: string | null;
  /** The class. */
  classId: string;
  /** When it was made. */
  createdAt: string;
  /** Its day, in the institution's time zone. */
  date: string;
  /** When it ends. */
  endsAt?: string | null;
  /** Its id. */
  id: string;
  /** Raised by every change. */
  rowVersion: number;
  /** When it begins. */
  startsAt?: string | null;
  /** OPEN; CLOSED, when marks are final; CANCELLED, when it did not take place and does not count. */
  status: string;
  /** What it is about. */
  title?: string | null;
  /** When it was changed last. */
  updatedAt: string;
};
export type AttendanceSessionPage = {
  items: Array<AttendanceSession>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A page of the audit. */
export type Audit = {
  /** The entries, the latest first. */
  items: Array<AuditEntry>;
  /** Entries of a page. */
  limit: number;
  /** Where the next page begins, where there may be one. */
  nextCursor?: string | null;
};
/** One entry of the audit. */
export type AuditEntry = LoggedEvent & ({
  /** SHA-256 of it and the hash before it, in hex. */
  hash: string;
  /** The request that caused it. */
  requestId?: string | null;
});
/** A place where the chain does not hold. */
export type Broken = {
  /** The number of the event. */
  seq: number;
  /** `missing`: there is no such event. `changed`: it is not what was hashed, or what stands before it is not. `other-hash`: it has another hash than it is said to have. `beyond-head`: it was added past the end. */
  why: string;
};
/** The answer of a bulk call: a result for each row, in their order. */
export type BulkAnswer = {
  /** The results. */
  items: Array<RowResult>;
};
/** One student. */
export type BulkRow = {
  /** The day on which it begins; today where absent. */
  effectiveDate?: string | null;
  /** Its id there: a row with one that is known answers that enrolment, in whatever state it is. */
  externalId?: string | null;
  /** What to do where the class is full. */
  onFull?: OnFull;
  /** The system that it comes from; together with `externalId` unique. */
  source?: string | null;
  /** The student. */
  studentId: string;
};
/** How often a schedule fires, always at the institution's midnight. */
export type Cadence = "DAILY" | "WEEKLY" | "MONTHLY";
/** How a user is told. */
export type Channel = "IN_APP" | "EMAIL";
/** The code that was made; it is shown this once. */
export type CheckInCode = {
  /** Six digits. */
  code: string;
  /** Until when it holds. */
  expiresAt: string;
};
/** A class. */
export type Class = {
  /** Seats in all. */
  capacity: number;
  /** Its code, unique in the term. */
  code: string;
  /** What is taught. */
  courseId: string;
  /** When it was made. */
  createdAt: string;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** For how long a free seat is offered to who waits; given at once where null. */
  offerHours?: number | null;
  /** Raised by every change. */
  rowVersion: number;
  /** Seats that enrolments hold. */
  seatsTaken: number;
  /** The system that it came from. */
  source?: string | null;
  /** PLANNED, ACTIVE, COMPLETED or CANCELLED. */
  status: string;
  /** When it is taught. */
  termId: string;
  /** Its title. */
  title: string;
  /** When it was changed last. */
  updatedAt: string;
  /** Places on the waitlist. */
  waitlistCapacity: number;
};
/** What the attendance of a class comes to on one day. */
export type ClassAttendance = {
  /** Marks by their code. */
  byCode: { [member: string]: unknown };
  /** The class. */
  classId: string;
  /** Marks whose code counts. */
  counted: number;
  /** When it was first computed. */
  createdAt: string;
  /** The day. */
  date: string;
  /** Students who were in the class on that day. */
  enrolled: number;
  /** Its id. */
  id: string;
  /** Marks. */
  marked: number;
  /** What these count as, in all. */
  present: number;
  /** The part of `counted` that is `present`, to 4 decimals; null where nothing counts. */
  rate?: number | null;
  /** Raised by every change. */
  rowVersion: number;
  /** Sessions that were not cancelled. */
  sessions: number;
  /** When it changed last. */
  updatedAt: string;
};
export type ClassAttendancePage = {
  items: Array<ClassAttendance>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
export type ClassPage = {
  items: Array<Class>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A member of a class's staff. */
export type ClassStaff = {
  /** The class. */
  classId: string;
  /** When it was added. */
  createdAt: string;
  /** The user's family name. */
  familyName: string;
  /** The user's given name. */
  givenName: string;
  /** Its id. */
  id: string;
  /** Raised by every change. */
  rowVersion: number;
  /** The user. */
  userId: string;
};
export type ClassStaffPage = {
  items: Array<ClassStaff>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A secret. */
export type ClientSecret = string;
/** A course. */
export type Course = {
  /** Its code, unique in the institution. */
  code: string;
  /** When it was made. */
  createdAt: string;
  /** Credits, an exact decimal. */
  credits: string;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** ACTIVE or ARCHIVED. */
  status: string;
  /** Its title. */
  title: string;
  /** When it was changed last. */
  updatedAt: string;
};
export type CoursePage = {
  items: Array<Course>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A curriculum: what is studied when. */
export type Curriculum = {
  /** Its id. */
  id: string;
  /** What it is made of, in order. */
  items: Array<CurriculumItem>;
  /** The template's code. */
  templateCode: string;
  /** The template's version. */
  templateVersion: number;
  /** Its number within the program. */
  version: number;
};
/** A course in a curriculum. */
export type CurriculumItem = {
  /** The course's code. */
  courseCode: string;
  /** The course. */
  courseId: string;
  /** The group of electives that it belongs to. */
  group?: string | null;
  /** Its id. */
  id: string;
  /** CORE or ELECTIVE. */
  kind: string;
  /** The term of that year, from 1. */
  term: number;
  /** The year of study, from 1. */
  year: number;
};
/** A delivery. */
export type Delivery = {
  /** Attempts so far. */
  attempts: number;
  /** When it was made. */
  createdAt: string;
  /** The webhook that it is for. */
  endpointId: string;
  /** The event. */
  eventId: string;
  /** The event's type. */
  eventType: string;
  /** Its id. */
  id: string;
  /** When it was tried last. */
  lastAttemptAt?: string | null;
  /** Why the last attempt failed. */
  lastError?: string | null;
  /** The status that was answered last. */
  lastStatus?: number | null;
  /** When it is tried next; null once it has ended. */
  nextAttemptAt?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** PENDING, DELIVERED or FAILED (given up; it may be replayed). */
  state: string;
  /** When it was changed last. */
  updatedAt: string;
  /** The header `webhook-id`: the event's, the same each time that it is sent. */
  webhookId: string;
};
export type DeliveryPage = {
  items: Array<Delivery>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What people call the terms that a year is divided into. */
export type Division = "SEMESTER" | "TRIMESTER" | "QUARTER" | "YEAR" | "CUSTOM";
/** How often, with what outcome and in what time requests were answered. */
export type EndpointMetric = {
  /** When the bucket began; null: of the whole interval. */
  at?: string | null;
  /** Of those, answered with 4xx. */
  clientErrors: number;
  /** Their mean time, in milliseconds. */
  meanMs?: number | null;
  /** Of which operation; null: of all that were asked for. */
  operation?: string | null;
  /** The time that half of them took at most, in milliseconds, as near as their buckets say. */
  p50Ms?: number | null;
  /** The time that 99 of 100 took at most, as near as their buckets say; 10,000 is that or longer. */
  p99Ms?: number | null;
  /** Requests; a call of a batch is one. */
  requests: number;
  /** Of those, answered with 5xx. */
  serverErrors: number;
};
/** The metrics of an interval. */
export type EndpointMetrics = {
  /** When the first bucket begins. */
  from: string;
  /** By operation the most called first, by bucket in their order; none without a request. */
  items: Array<EndpointMetric>;
  /** How long a bucket is. */
  resolution: "MINUTE" | "HOUR";
  /** When the last one has begun. */
  until: string;
};
/** An enrolment. */
export type Enrollment = {
  /** The class. */
  classId: string;
  /** When it was made. */
  createdAt: string;
  /** The day on which it was dropped, withdrawn or cancelled, or on which its offer ended. */
  endedOn?: string | null;
  /** The day on which it began, in the institution's time zone. */
  enrolledOn: string;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** Until when the seat is offered; null unless OFFERED. */
  offerExpiresAt?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** Where it stands. */
  status: Status;
  /** The student. */
  studentId: string;
  /** When it was changed last. */
  updatedAt: string;
  /** Its place among those who wait, from 1; null unless WAITLISTED. */
  waitlistPosition?: number | null;
};
export type EnrollmentPage = {
  items: Array<Enrollment>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** Events after a number. */
export type EventLog = {
  /** The events. */
  items: Array<LoggedEvent>;
  /** `after` of the request that goes on: nothing that was asked for stands before it. */
  nextAfter: number;
};
/** The terms of a year. */
export type GeneratedTerms = {
  /** In order. */
  items: Array<Term>;
};
/** A group of electives: some of its courses are taken. */
export type Group = {
  /** Its code, which items name. */
  code: string;
  /** Credits to take from it; all of its courses where absent. */
  credits?: string | null;
  /** Its name. */
  name?: string | null;
};
/** A role that a user has, for a time or for good. */
export type HeldRole = {
  /** The first day on which it counts, in the institution's time zone; from ever where null. */
  from?: string | null;
  /** Which one. */
  role: UserRole;
  /** The last day; for good where null. */
  until?: string | null;
};
export type Inbox = {
  items: Array<Notification>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
  unreadCount?: number;
};
/** One course in a template: an existing one by its code, or a new one. */
export type Item = {
  /** The code of an existing course. */
  course?: string | null;
  /** The group of electives that it belongs to. */
  group?: string | null;
  /** CORE or ELECTIVE. */
  kind?: ItemKind;
  newCourse?: TemplateCourse | null;
  /** Codes of courses to be completed before. */
  prerequisites?: Array<string>;
  /** The term of that year, from 1. */
  term: number;
  /** The year of study, from 1. */
  year: number;
};
/** Whether everybody takes it. */
export type ItemKind = "CORE" | "ELECTIVE";
/** A job. */
export type Job = {
  /** How often it was begun. */
  attempts: number;
  /** How often it may be. */
  attemptsMax: number;
  /** When it was queued. */
  createdAt: string;
  /** When it ended. */
  finishedAt?: string | null;
  /** Its id. */
  id: string;
  /** What went wrong at the last attempt that did. */
  lastError?: string | null;
  /** While it runs: until when it is its worker's. */
  leasedUntil?: string | null;
  /** Higher first. */
  priority: number;
  /** Raised by every change. */
  rowVersion: number;
  /** When it is or was due. */
  runAt: string;
  /** QUEUED, RUNNING, DONE, FAILED or CANCELLED. */
  state: string;
  /** What kind of work it is, such as `STUDENT_ENROLLED`. */
  type: string;
  /** One live job of its type has this key. */
  uniqueKey?: string | null;
  /** When it was changed last. */
  updatedAt: string;
};
export type JobPage = {
  items: Array<Job>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** Something that is done at the institution's midnight. */
export type JobSchedule = {
  /** DAILY, WEEKLY (Mondays) or MONTHLY (on the 1st). */
  cadence: Cadence;
  /** When it was made. */
  createdAt: string;
  /** Whether it fires. */
  enabled: boolean;
  /** Its id. */
  id: string;
  /** The kind of job that it queues. */
  kind: string;
  /** When that was. */
  lastFiredAt?: string | null;
  /** The local date that it fired for last. */
  lastFiredOn?: string | null;
  /** When it fires next; soon after that, each institution with a delay of its own, its job runs. */
  nextAt: string;
  /** Raised by every change and firing. */
  rowVersion: number;
  /** When it was changed last. */
  updatedAt: string;
};
export type JobSchedulePage = {
  items: Array<JobSchedule>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** An event, as it is read and as webhooks get it. */
export type LoggedEvent = {
  /** Who caused it; nil is the platform itself, null is not known. */
  actorId?: string | null;
  /** What kind of thing it happened to. */
  aggregate: string;
  /** The thing's id. */
  aggregateId: string;
  /** The thing's row version after it. */
  aggregateVersion: number;
  /** When. */
  createdAt: string;
  /** Its id. */
  id: string;
  /** What happened. */
  payload: { [member: string]: unknown };
  /** Its number: gapless in the institution; a later change of a thing has the higher one. */
  seq: number;
  /** Its type, such as `PROGRAM_CREATED`. */
  type: string;
};
/** One student. */
export type Mark = {
  /** The code, such as PRESENT; it takes the place of the one before. */
  code: string;
  /** A remark; none where absent. */
  note?: string | null;
  /** The student, who was in the class on the session's day. */
  studentId: string;
};
/** What became of marking all as read. */
export type MarkedRead = {
  /** How many were unread. */
  marked: number;
};
/** What a month came to. */
export type MonthlyMetrics = {
  /** Classes of terms in the month that are not cancelled. */
  activeClasses: number;
  /** Students, each once, who were in a class on a day of the month. */
  activeStudents: number;
  /** The part of `counted` that is `present`, to 4 decimals; null where nothing counts. */
  attendanceRate?: number | null;
  /** Completed ones of all that were live in the month, to 4 decimals; null where there were none. */
  completionRate?: number | null;
  /** Marks whose code counts. */
  counted: number;
  /** When it was first written. */
  createdAt: string;
  /** Enrolments that were completed. */
  enrollmentsCompleted: number;
  /** Enrolments that were dropped or withdrawn. */
  enrollmentsDropped: number;
  /** Enrolments that began. */
  enrollmentsMade: number;
  /** Its id. */
  id: string;
  /** Its first day. */
  month: string;
  /** What these count as, in all. */
  present: number;
  /** Raised where a later run found it different. */
  rowVersion: number;
  /** Sessions that were not cancelled. */
  sessions: number;
  /** When it changed last. */
  updatedAt: string;
};
export type MonthlyMetricsPage = {
  items: Array<MonthlyMetrics>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A student to create. */
export type NewStudent = {
  /** The year in which it began. */
  cohortYear?: number | null;
  /** Where to write to. */
  email?: string | null;
  /** Its id there. */
  externalId?: string | null;
  /** Family name. */
  familyName: string;
  /** Given name. */
  givenName: string;
  /** The program that it studies. */
  programId?: string | null;
  /** The system that it came from; together with `externalId` unique. */
  source?: string | null;
  /** ACTIVE, LEAVE, GRADUATED or WITHDRAWN; ACTIVE where absent. */
  standing?: string;
  /** Unique in the institution. */
  studentNo: string;
};
/** A notification, with its words made from its data. */
export type Notification = {
  /** When it was made. */
  createdAt: string;
  /** Its id. */
  id: string;
  /** Ids and names of what it is about. */
  payload: { [member: string]: unknown };
  /** When it was read; null where it was not. */
  readAt?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** What it says, in a line. */
  subject: string;
  /** What it says. */
  text: string;
  /** What it is about, such as `STUDENT_ENROLLED`. */
  type: string;
};
/** What to do where the class is full. */
export type OnFull = "reject" | "waitlist";
/** Whether a user wants to be told of something in a way. */
export type Preference = {
  /** How. */
  channel: Channel;
  /** Whether. */
  enabled: boolean;
  /** What of: a type of notifications, or `*` for those that have no entry of their own. */
  type: string;
};
/** What a user wants to be told of. */
export type Preferences = {
  /** What that comes to for each type. */
  effective: Array<Preference>;
  /** What the user has said. */
  items: Array<Preference>;
};
export type Problem = {
  code: string;
  detail?: string;
  errors?: Array<{
    code: string;
    detail?: string;
    pointer: string;
  }>;
  requestId?: string;
  status: number;
  title: string;
  type: string;
};
/** A program in a list. */
export type Program = {
  /** Its code, unique in the institution. */
  code: string;
  /** When it was made. */
  createdAt: string;
  /** Credits that its curriculum requires. */
  credits: string;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** Its name. */
  name: string;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** DRAFT, ACTIVE or ARCHIVED. */
  status: string;
  /** How its years are cut into terms. */
  termSystemId: string;
  /** When it was changed last. */
  updatedAt: string;
};
export type ProgramPage = {
  items: Array<Program>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** The numbers. */
export type ProgramStats = {
  /** Classes of these courses that are ACTIVE. */
  activeClasses: number;
  /** When they were counted. */
  asOf: string;
  /** COMPLETED of all that are COMPLETED, DROPPED, WITHDRAWN, ACTIVE or SUSPENDED, to 4 decimals; null where there are none. */
  completionRate?: number | null;
  /** Courses of its curriculum. */
  courseCount: number;
  /** Distinct students that are ACTIVE or SUSPENDED in one of its classes. */
  studentCount: number;
};
/** How far a student is in one subject of a class. */
export type Progress = {
  /** The fraction that is done, 0 to 1. */
  completed: string;
  /** `NOT_STARTED`, `IN_PROGRESS` or `COMPLETED`. */
  status: string;
  /** The subject's code. */
  subjectCode: string;
  /** The subject. */
  subjectId: string;
};
/** The progress of one enrolment. */
export type ProgressList = {
  /** The enrolment. */
  enrollmentId: string;
  /** One entry a subject. */
  items: Array<Progress>;
};
/** How many were. */
export type Retried = {
  /** Whether there may be more of them: then ask again. */
  more: boolean;
  /** So many failed jobs were queued anew. */
  retried: number;
};
/** What became of one row. */
export type RowResult = {
  /** Why it was refused: a problem. */
  error?: { [member: string]: unknown } | null;
  /** What was made or found; where it was refused as a duplicate, who has it already. */
  id?: string | null;
  /** Its place in `items`, from 0. */
  index: number;
  /** The status that a call of its own would have had. */
  status: number;
};
/** What signs: `whsec_` and the base64 of the key. It is printed nowhere by itself. */
export type Secret = string;
/** A job that was queued. */
export type Started = {
  /** The local date that it is for. */
  date: string;
  /** The job, at `/v1/jobs/{jobId}`. */
  jobId: string;
};
/** Where an enrolment stands. */
export type Status = "PENDING" | "ACTIVE" | "WAITLISTED" | "OFFERED" | "SUSPENDED" | "COMPLETED" | "DROPPED" | "WITHDRAWN" | "CANCELLED" | "EXPIRED" | "REJECTED";
/** A student, with the names of the user that it is. */
export type Student = {
  /** The year in which it began. */
  cohortYear?: number | null;
  /** When it was made. */
  createdAt: string;
  /** Where to write to. */
  email?: string | null;
  /** Its id there. */
  externalId?: string | null;
  /** Family name. */
  familyName: string;
  /** Given name. */
  givenName: string;
  /** Its id. */
  id: string;
  /** The program that it studies. */
  programId?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** ACTIVE, LEAVE, GRADUATED or WITHDRAWN. */
  standing: string;
  /** Its number, unique in the institution. */
  studentNo: string;
  /** When it was changed last. */
  updatedAt: string;
  /** The user that it is: `sub` of its tokens. */
  userId: string;
};
export type StudentPage = {
  items: Array<Student>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A gradable strand of a course. */
export type Subject = {
  /** Its code, unique in the course. */
  code: string;
  /** The course that it is part of. */
  courseId: string;
  /** When it was made. */
  createdAt: string;
  /** Its id. */
  id: string;
  /** Its name. */
  name: string;
  /** Raised by every change. */
  rowVersion: number;
  /** When it was changed last. */
  updatedAt: string;
};
export type SubjectPage = {
  items: Array<Subject>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What a curriculum is generated from. */
export type Template = {
  /** Its code. */
  code: string;
  /** Credits that a student needs. */
  creditsRequired?: string;
  /** Groups of electives. */
  groups?: Array<Group>;
  /** What is studied when. */
  items: Array<Item>;
  /** Its version, from 1. */
  version?: number;
  /** Years of study. */
  years: number;
};
/** A course that a template brings along. */
export type TemplateCourse = {
  /** Its code, unique in the institution. */
  code: string;
  /** Its credits. */
  credits?: string;
  /** Its title. */
  title: string;
};
/** A stored template. */
export type TemplateRef = {
  /** Its code. */
  code: string;
  /** Its version. */
  version: number;
};
export type TemplateSource = Template | TemplateRef;
/** A term. */
export type Term = {
  /** Its code, unique in its term system. */
  code: string;
  /** When it was made. */
  createdAt: string;
  /** The last day on which leaving a class is a drop. */
  dropUntil?: string | null;
  /** The last day. */
  endsOn: string;
  /** The first day on which students enroll themselves. */
  enrollFrom?: string | null;
  /** The last day on which students enroll themselves. */
  enrollUntil?: string | null;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** Its name. */
  name: string;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** The first day. */
  startsOn: string;
  /** The term system that it belongs to, if any. */
  termSystemId?: string | null;
  /** When it was changed last. */
  updatedAt: string;
  /** The last day on which leaving a class is a withdrawal. */
  withdrawUntil?: string | null;
};
export type TermPage = {
  items: Array<Term>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** How a year is cut into terms. */
export type TermSystem = {
  /** Month and day on which the first term of a year begins, such as `09-01`. */
  anchor: string;
  /** Weeks without teaching between two terms. */
  breakWeeks: number;
  /** When it was made. */
  createdAt: string;
  /** Its id. */
  id: string;
  /** Raised by every change. */
  rowVersion: number;
  /** Terms in a year. */
  termsPerYear: number;
  /** SEMESTER, TRIMESTER, QUARTER, YEAR or CUSTOM. */
  type: string;
  /** When it was changed last. */
  updatedAt: string;
  /** Weeks in a term. */
  weeksPerTerm: number;
};
export type TermSystemPage = {
  items: Array<TermSystem>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** How a year is cut into terms. */
export type TermSystemSummary = {
  /** Its id. */
  id: string;
  /** Terms in a year. */
  termsPerYear: number;
  /** SEMESTER, TRIMESTER, QUARTER, YEAR or CUSTOM. */
  type: string;
  /** Weeks in a term. */
  weeksPerTerm: number;
};
/** A user. */
export type User = {
  /** When it was made. */
  createdAt: string;
  /** Where to write to. */
  email?: string | null;
  /** Its id there. */
  externalId?: string | null;
  /** Family name. */
  familyName: string;
  /** Given name. */
  givenName: string;
  /** Its id: `sub` of its tokens. */
  id: string;
  /** What it is in the institution. */
  roles: Array<HeldRole>;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** Its time zone; the institution's where null. */
  timezone?: string | null;
  /** When it was changed last. */
  updatedAt: string;
  /** Its name for signing in, unique in the institution. */
  username?: string | null;
};
export type UserPage = {
  items: Array<User>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What a user may be. */
export type UserRole = "ADMIN" | "STAFF" | "INSTRUCTOR" | "STUDENT" | "GUARDIAN";
/** What a walk has found. */
export type Walk = {
  broken?: Broken | null;
  /** Whether the end of the chain was reached; else go on after `last`. */
  complete: boolean;
  /** Events whose hashes were worked out. */
  events: number;
  /** The number of the first of them. */
  first?: number | null;
  /** Its hash, in hex: keep it to begin there another time. */
  head: string;
  /** The number of the last that is sound; where the walk began if none is. */
  last: number;
  /** Whether nothing is broken as far as the walk went. */
  ok: boolean;
};
/** A webhook. */
export type Webhook = {
  /** When it was made. */
  createdAt: string;
  /** What it is for. */
  description: string;
  /** Why it is disabled: `BY_HAND`, GONE (it answered 410) or FAILING (five days without a success). */
  disabledReason?: string | null;
  /** The types of events that it gets; all where there are none. */
  eventTypes: Array<string>;
  /** Since when every attempt has failed. */
  failingSince?: string | null;
  /** Its id. */
  id: string;
  /** Raised by every change. */
  rowVersion: number;
  secret?: Secret | null;
  /** ENABLED or DISABLED. */
  status: string;
  /** When it was changed last. */
  updatedAt: string;
  /** Where events are sent. */
  url: string;
};
export type WebhookPage = {
  items: Array<Webhook>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What a week came to, for a class or for the institution. */
export type WeeklyReport = {
  /** The part of `counted` that is `present`, to 4 decimals; null where nothing counts. */
  attendanceRate?: number | null;
  /** The class; null for the institution. */
  classId?: string | null;
  /** Marks whose code counts. */
  counted: number;
  /** When it was first written. */
  createdAt: string;
  /** Enrolments that were dropped or withdrawn. */
  dropped: number;
  /** Students at the end of the week; of the institution each once. */
  enrolled: number;
  /** Its id. */
  id: string;
  /** Enrolments that began. */
  joined: number;
  /** What these count as, in all. */
  present: number;
  /** Raised where a later run found it different. */
  rowVersion: number;
  /** CLASS or INSTITUTION. */
  scope: string;
  /** Sessions that were not cancelled. */
  sessions: number;
  /** When it changed last. */
  updatedAt: string;
  /** The Monday. */
  weekStart: string;
};
export type WeeklyReportPage = {
  items: Array<WeeklyReport>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};

export type AppRouter = TRPCBuiltRouter<Root, {
  academic: {
    /** Puts a user on the staff of a class: 201, 200 where it is there already. */
    addClassStaff: Mutation<{
      /** The class. */
      classId: string;
      /** The user. */
      userId: string;
    }, ClassStaff>;
    /** Creates up to 1,000 students, with a status for each. */
    bulkCreateStudents: Mutation<{
      /** Whether one refused row refuses all. */
      atomic?: boolean;
      /** 1 to 1,000; each is judged on its own. */
      items: Array<NewStudent>;
    }, BulkAnswer>;
    /** Creates a class of a course in a term, with the course's subjects. */
    createClass: Mutation<{
      /** Seats in all. */
      capacity: number;
      /** Unique in the term. */
      code: string;
      /** What is taught. */
      courseId: string;
      /** Its id there. */
      externalId?: string | null;
      /** For how many hours a free seat is offered to who waits, 1 to 720; given at once where absent. */
      offerHours?: number | null;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** When it is taught. */
      termId: string;
      /** Its title; the course's where absent. */
      title?: string | null;
      /** Places on the waitlist; 0 where absent. */
      waitlistCapacity?: number;
    }, Class>;
    /** Creates a course with its default subject. */
    createCourse: Mutation<{
      /** Unique in the institution. */
      code: string;
      /** Credits; 0 where absent. */
      credits?: string;
      /** Its id there. */
      externalId?: string | null;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** Its title. */
      title: string;
    }, Course>;
    /** Creates a program, its curriculum and its term system. */
    createProgram: Mutation<{
      /** Unique in the institution. */
      code: string;
      curriculumTemplate?: TemplateSource | null;
      /** Its id there. */
      externalId?: string | null;
      /** Its name. */
      name: string;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** SEMESTER, TRIMESTER, QUARTER, YEAR or CUSTOM. */
      termSystem?: string;
      /** Terms in a year. */
      termsPerYear?: number;
      /** Weeks in a term. */
      weeksPerTerm?: number;
    }, Program & ({
      curriculum?: Curriculum | null;
      /** Its term system. */
      termSystem: TermSystemSummary;
    })>;
    /** Creates a student and the student's user. */
    createStudent: Mutation<{
      /** The year in which it began. */
      cohortYear?: number | null;
      /** Where to write to. */
      email?: string | null;
      /** Its id there. */
      externalId?: string | null;
      /** Family name. */
      familyName: string;
      /** Given name. */
      givenName: string;
      /** The program that it studies. */
      programId?: string | null;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** ACTIVE, LEAVE, GRADUATED or WITHDRAWN; ACTIVE where absent. */
      standing?: string;
      /** Unique in the institution. */
      studentNo: string;
    }, Student>;
    /** Creates a subject of a course. */
    createSubject: Mutation<{
      /** Unique in the course. */
      code: string;
      /** The course that it is part of. */
      courseId: string;
      /** Its name. */
      name: string;
    }, Subject>;
    /** Creates a term. */
    createTerm: Mutation<{
      /** Unique in its term system; of terms without one, among those. */
      code: string;
      /** The last day on which leaving a class is a drop. */
      dropUntil?: string | null;
      /** The last day. */
      endsOn: string;
      /** The first day on which students enroll themselves. */
      enrollFrom?: string | null;
      /** The last day on which students enroll themselves. */
      enrollUntil?: string | null;
      /** Its id there. */
      externalId?: string | null;
      /** Its name. */
      name: string;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** The first day. */
      startsOn: string;
      /** The term system that it belongs to, if any; terms of one system do not overlap. */
      termSystemId?: string | null;
      /** The last day on which leaving a class is a withdrawal. */
      withdrawUntil?: string | null;
    }, Term>;
    /** Creates a term system. */
    createTermSystem: Mutation<{
      /** Month and day on which the first term of a year begins, such as `09-01`. */
      anchor: string;
      /** Weeks without teaching between two terms; 0 where absent. */
      breakWeeks?: number;
      /** Terms in a year. */
      termsPerYear: number;
      /** What people call the terms. */
      type: Division;
      /** Weeks in a term. */
      weeksPerTerm: number;
    }, TermSystem>;
    /** Deletes a class that nobody was ever enrolled in. */
    deleteClass: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a course that nothing refers to. */
    deleteCourse: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a program that nothing refers to. */
    deleteProgram: Mutation<{
      /** Its id; tRPC callers may say `programId`. */
      id: string;
    }, null>;
    /** Deletes a student who was never enrolled, and the student's user. */
    deleteStudent: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a subject that nothing refers to and that is not its course's only one. */
    deleteSubject: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a term that no class is in. */
    deleteTerm: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a term system that nothing refers to. */
    deleteTermSystem: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Enrols a student: 201, 202 when waitlisted, 200 with the live enrolment when there is one. */
    enrollStudent: Mutation<{
      /** The class. */
      classId: string;
      /** The day on which it begins; today where absent. For admin and staff. */
      effectiveDate?: string | null;
      /** What to do where the class is full. */
      onFull?: OnFull;
      /** The student; a student may enrol nobody else. */
      studentId: string;
    }, Enrollment>;
    /** Makes the terms of a year; 200 where all of them are there already. */
    generateTerms: Mutation<{
      /** The term system. */
      id: string;
      /** The year in which the first term begins. */
      year: number;
    }, GeneratedTerms>;
    /** Gives a class. */
    getClass: Query<{
      /** Its id. */
      id: string;
    }, Class>;
    /** Gives a course. */
    getCourse: Query<{
      /** Its id. */
      id: string;
    }, Course>;
    /** Gives a program with its curriculum and term system. */
    getProgram: Query<{
      /** Its id; tRPC callers may say `programId`. */
      id: string;
    }, Program & ({
      curriculum?: Curriculum | null;
      /** Its term system. */
      termSystem: TermSystemSummary;
    })>;
    /** Counts students, courses and active classes, and gives the completion rate. */
    getProgramStats: Query<{
      /** Its id; tRPC callers may say `programId`. */
      id: string;
    }, ProgramStats>;
    /** Gives a student; to students themselves only. */
    getStudent: Query<{
      /** Its id. */
      id: string;
    }, Student>;
    /** Gives a subject. */
    getSubject: Query<{
      /** Its id. */
      id: string;
    }, Subject>;
    /** Gives a term. */
    getTerm: Query<{
      /** Its id. */
      id: string;
    }, Term>;
    /** Gives a term system. */
    getTermSystem: Query<{
      /** Its id. */
      id: string;
    }, TermSystem>;
    /** Lists who teaches a class. */
    listClassStaff: Query<{
      /** only those whose classId equals it */
      classId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, classId, userId, givenName, familyName, rowVersion, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, familyName, createdAt */
      sort?: string;
      /** only those whose userId equals it */
      userId?: string;
    }, ClassStaffPage>;
    /** Lists classes. */
    listClasses: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** only those whose courseId equals it */
      courseId?: string;
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, courseId, termId, code, title, status, capacity, seatsTaken, waitlistCapacity, offerHours, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, code, title, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose status equals it */
      status?: "PLANNED" | "ACTIVE" | "COMPLETED" | "CANCELLED";
      /** only those whose termId equals it */
      termId?: string;
    } | void, ClassPage>;
    /** Lists courses. */
    listCourses: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, code, title, credits, status, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, code, title, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose status equals it */
      status?: "ACTIVE" | "ARCHIVED";
    } | void, CoursePage>;
    /** Lists programs. */
    listPrograms: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, code, name, status, credits, termSystemId, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, code, name, createdAt, updatedAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose status equals it */
      status?: "DRAFT" | "ACTIVE" | "ARCHIVED";
    } | void, ProgramPage>;
    /** Lists students. */
    listStudents: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** only those whose programId equals it */
      programId?: string;
      /** comma-separated: id, userId, studentNo, givenName, familyName, email, programId, cohortYear, standing, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, studentNo, familyName, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose standing equals it */
      standing?: "ACTIVE" | "LEAVE" | "GRADUATED" | "WITHDRAWN";
      /** only those whose studentNo equals it */
      studentNo?: string;
      /** only those whose userId equals it */
      userId?: string;
    } | void, StudentPage>;
    /** Lists subjects. */
    listSubjects: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** only those whose courseId equals it */
      courseId?: string;
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, courseId, code, name, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, code, name, createdAt */
      sort?: string;
    } | void, SubjectPage>;
    /** Lists term systems. */
    listTermSystems: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, type, termsPerYear, weeksPerTerm, anchor, breakWeeks, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, type, termsPerYear, createdAt */
      sort?: string;
      /** only those whose termsPerYear equals it */
      termsPerYear?: string;
      /** only those whose type equals it */
      type?: "SEMESTER" | "TRIMESTER" | "QUARTER" | "YEAR" | "CUSTOM";
      /** only those whose weeksPerTerm equals it */
      weeksPerTerm?: string;
    } | void, TermSystemPage>;
    /** Lists terms. */
    listTerms: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose endsOn equals it */
      endsOn?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, termSystemId, code, name, startsOn, endsOn, enrollFrom, enrollUntil, dropUntil, withdrawUntil, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, code, name, startsOn, endsOn, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose startsOn equals it */
      startsOn?: string;
      /** only those whose termSystemId equals it */
      termSystemId?: string;
    } | void, TermPage>;
    /** Takes a user off the staff of a class. */
    removeClassStaff: Mutation<{
      /** The class. */
      classId: string;
      /** The user. */
      userId: string;
    }, null>;
    /** Changes a class; more seats go to its waitlist. */
    updateClass: Mutation<{
      /** Another number of seats, not below those that are taken. */
      capacity?: number | null;
      /** A new code. */
      code?: string | null;
      /** Which one. */
      id: string;
      /** Another time for offers, or none; seats that are offered already stay so. */
      offerHours?: number | null;
      /** PLANNED, ACTIVE, COMPLETED or CANCELLED. */
      status?: string | null;
      /** A new title. */
      title?: string | null;
      /** Another number of places on the waitlist; those who wait already stay. */
      waitlistCapacity?: number | null;
    }, Class>;
    /** Changes a course. */
    updateCourse: Mutation<{
      /** A new code. */
      code?: string | null;
      /** New credits. */
      credits?: string | null;
      /** Which one. */
      id: string;
      /** ACTIVE or ARCHIVED. */
      status?: string | null;
      /** A new title. */
      title?: string | null;
    }, Course>;
    /** Changes a program. */
    updateProgram: Mutation<{
      /** A new code. */
      code?: string | null;
      /** Which one. */
      id: string;
      /** A new name. */
      name?: string | null;
      /** DRAFT, ACTIVE or ARCHIVED. */
      status?: string | null;
    }, Program & ({
      curriculum?: Curriculum | null;
      /** Its term system. */
      termSystem: TermSystemSummary;
    })>;
    /** Changes a student. */
    updateStudent: Mutation<{
      /** Another year, or none. */
      cohortYear?: number | null;
      /** Another address, or none. */
      email?: string | null;
      /** A new family name. */
      familyName?: string | null;
      /** A new given name. */
      givenName?: string | null;
      /** Which one. */
      id: string;
      /** Another program, or none. */
      programId?: string | null;
      /** ACTIVE, LEAVE, GRADUATED or WITHDRAWN. */
      standing?: string | null;
      /** A new number. */
      studentNo?: string | null;
    }, Student>;
    /** Changes a subject. */
    updateSubject: Mutation<{
      /** A new code. */
      code?: string | null;
      /** Which one. */
      id: string;
      /** A new name. */
      name?: string | null;
    }, Subject>;
    /** Changes a term. */
    updateTerm: Mutation<{
      /** A new code. */
      code?: string | null;
      /** Another last day of dropping, or none. */
      dropUntil?: string | null;
      /** Another last day. */
      endsOn?: string | null;
      /** Another first day of enrolling, or none. */
      enrollFrom?: string | null;
      /** Another last day of enrolling, or none. */
      enrollUntil?: string | null;
      /** Which one. */
      id: string;
      /** A new name. */
      name?: string | null;
      /** Another first day. */
      startsOn?: string | null;
      /** Another term system, or none. */
      termSystemId?: string | null;
      /** Another last day of withdrawing, or none. */
      withdrawUntil?: string | null;
    }, Term>;
    /** Changes a term system; terms that are there stay as they are. */
    updateTermSystem: Mutation<{
      /** Month and day on which the first term of a year begins. */
      anchor?: string | null;
      /** Weeks without teaching between two terms. */
      breakWeeks?: number | null;
      /** Which one. */
      id: string;
      /** Terms in a year. */
      termsPerYear?: number | null;
      type?: Division | null;
      /** Weeks in a term. */
      weeksPerTerm?: number | null;
    }, TermSystem>;
  };
  admin: {
    /** Cancels a job that is queued or runs; of one that runs nothing stays. */
    cancelJob: Mutation<{
      /** Its id. */
      id: string;
    }, Job>;
    /** Creates an api client; its secret is in this answer alone. */
    createApiClient: Mutation<{
      /** What it is for. */
      description?: string;
      /** From when on it is not taken any more; never where it is absent. */
      expiresAt?: string | null;
      /** Its name. */
      name: string;
    }, ApiClient>;
    /** Creates a user with its roles. */
    createUser: Mutation<{
      /** Where to write to. */
      email?: string | null;
      /** Its id there. */
      externalId?: string | null;
      /** Family name. */
      familyName: string;
      /** Given name. */
      givenName: string;
      /** What it is in the institution, each role once. */
      roles?: Array<HeldRole>;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** Its time zone; the institution's where absent. */
      timezone?: string | null;
      /** Unique in the institution. */
      username?: string | null;
    }, User>;
    /** Deletes an api client; its tokens are not taken any more. */
    deleteApiClient: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a user that nothing refers to, with its roles and its inbox. */
    deleteUser: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Gives an api client, without its secret. */
    getApiClient: Query<{
      /** Its id. */
      id: string;
    }, ApiClient>;
    /** Gives a job: how it stands, and what went wrong. */
    getJob: Query<{
      /** Its id. */
      id: string;
    }, Job>;
    /** Gives a schedule. */
    getJobSchedule: Query<{
      /** Its id. */
      id: string;
    }, JobSchedule>;
    /** Gives a user with its roles. */
    getUser: Query<{
      /** Its id. */
      id: string;
    }, User>;
    /** Lists api clients, without their secrets. */
    listApiClients: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      /** only those whose name equals it */
      name?: string;
      page?: number;
      /** comma-separated: id, clientId, name, description, status, createdBy, expiresAt, revokedAt, previousSecretUntil, lastUsedAt, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, name, createdAt */
      sort?: string;
      /** only those whose status equals it */
      status?: "ACTIVE" | "EXPIRED" | "REVOKED";
    } | void, ApiClientPage>;
    /** Gives who did what, the latest first. */
    listAudit: Query<{
      /** Only what this one caused: `sub` of its tokens. */
      actor?: string | null;
      /** `nextCursor` of the page before. */
      cursor?: string | null;
      /** So many at most, 1 to 200. */
      limit?: number;
      /** Only what happened to this thing, such as `courses/0190a1b2-0000-7000-8000-000000000000`. */
      of?: string | null;
      /** Only of this type. */
      type?: string | null;
    } | void, Audit>;
    /** Gives how often operations were called, with what outcome and in what time. */
    listEndpointMetrics: Query<{
      /** What is added up: by OPERATION unless it says BUCKET. */
      by?: "OPERATION" | "BUCKET";
      /** From when on; a day before `until` where it is absent. The bucket that it lies in counts whole. */
      from?: string | null;
      /** Only this operation, by its operation id, such as `academic.listPrograms`. */
      operation?: string | null;
      /** Of which buckets: HOUR unless it says MINUTE. */
      resolution?: "MINUTE" | "HOUR";
      /** Until when; now where it is absent. */
      until?: string | null;
    } | void, EndpointMetrics>;
    /** Gives the events after a number, in the order of their numbers. */
    listEvents: Query<{
      /** Only events with a higher number; `nextAfter` of the answer before. */
      after?: number;
      /** So many at most, 1 to 1,000. */
      limit?: number;
      /** Only events of these types, comma-separated. */
      types?: string | null;
    } | void, EventLog>;
    /** Lists what is done at the institution's midnight. */
    listJobSchedules: Query<{
      /** only those whose cadence equals it */
      cadence?: "DAILY" | "WEEKLY" | "MONTHLY";
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose enabled equals it */
      enabled?: "true" | "false";
      /** only those whose id equals it */
      id?: string;
      /** only those whose kind equals it */
      kind?: "DAILY_ATTENDANCE" | "WEEKLY_REPORTS" | "MONTHLY_METRICS";
      limit?: number;
      page?: number;
      /** comma-separated: id, kind, cadence, enabled, nextAt, lastFiredOn, lastFiredAt, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, kind, nextAt, createdAt */
      sort?: string;
    } | void, JobSchedulePage>;
    /** Lists jobs, the oldest first; `state=FAILED` those that wait for somebody. */
    listJobs: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, type, state, priority, attempts, attemptsMax, runAt, leasedUntil, uniqueKey, lastError, finishedAt, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, priority, runAt, createdAt */
      sort?: string;
      /** only those whose state equals it */
      state?: "QUEUED" | "RUNNING" | "DONE" | "FAILED" | "CANCELLED";
      /** only those whose type equals it */
      type?: string;
    } | void, JobPage>;
    /** Lists users. */
    listUsers: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose email equals it */
      email?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, username, email, givenName, familyName, timezone, roles, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, familyName, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose username equals it */
      username?: string;
    } | void, UserPage>;
    /** Queues up to 1,000 failed jobs anew; of those with one key the last, unless one is live. */
    retryFailedJobs: Mutation<{
      /** Those of this type; all where it is absent. */
      type?: string | null;
    } | void, Retried>;
    /** Queues a job anew that has failed or was cancelled, with all of its attempts. */
    retryJob: Mutation<{
      /** Its id. */
      id: string;
    }, Job>;
    /** Revokes an api client for good; its tokens are not taken any more. */
    revokeApiClient: Mutation<{
      /** Its id. */
      id: string;
    }, ApiClient>;
    /** Makes a new secret, which is in this answer alone; for a day the old one is taken, too. */
    rotateApiClientSecret: Mutation<{
      /** Its id. */
      id: string;
    }, ApiClient>;
    /** Queues now what the schedule queues for the current day, week or month. */
    runJobSchedule: Mutation<{
      /** Its id. */
      id: string;
    }, Started>;
    /** Changes an api client. */
    updateApiClient: Mutation<{
      /** Another description. */
      description?: string | null;
      /** Another end; null: none. */
      expiresAt?: string | null;
      /** Which one. */
      id: string;
      /** Another name. */
      name?: string | null;
    }, ApiClient>;
    /** Switches a schedule on or off; what it missed meanwhile is not made up for. */
    updateJobSchedule: Mutation<{
      /** Whether it is to fire. */
      enabled?: boolean | null;
      /** Which one. */
      id: string;
    }, JobSchedule>;
    /** Changes a user; roles are replaced as a whole. */
    updateUser: Mutation<{
      /** Another address, or none. */
      email?: string | null;
      /** A new family name. */
      familyName?: string | null;
      /** A new given name. */
      givenName?: string | null;
      /** Which one. */
      id: string;
      /** All roles that it is to have. */
      roles?: Array<HeldRole> | null;
      /** Another time zone, or the institution's. */
      timezone?: string | null;
      /** Another name for signing in, or none. */
      username?: string | null;
    }, User>;
    /** Works out the hashes of the audit again and says where they break. */
    verifyAudit: Query<{
      /** Begin after this number; `last` of the answer before. */
      after?: number;
      /** The hash that the event with that number is to have; `head` of the answer before. */
      hash?: string | null;
      /** So many events at most, 1 to 50,000. */
      limit?: number;
    } | void, Walk>;
  };
  attendance: {
    /** Marks the student who asks as present, by the code: 201, 200 where that was done. */
    checkIn: Mutation<{
      /** The code that is shown. */
      code: string;
      /** The session. */
      id: string;
    }, AttendanceRecord>;
    /** Lists what the attendance of a class comes to, day by day. */
    classStats: Query<{
      /** only those whose classId equals it */
      classId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose date equals it */
      date?: string;
      /** only those at it and after it */
      from?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, classId, date, sessions, enrolled, marked, counted, present, rate, byCode, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, date, createdAt */
      sort?: string;
      /** only those at it and before it */
      to?: string;
    }, ClassAttendancePage>;
    /** Creates a code. */
    createCode: Mutation<{
      /** Unique in the institution; it does not change. */
      code: string;
      /** How much of a presence it counts as, 0 to 1; left out of rates where absent or null. */
      countsAs?: number | null;
      /** Its name. */
      name: string;
    }, AttendanceCode>;
    /** Creates a session of a class. */
    createSession: Mutation<{
      /** The class. */
      classId: string;
      /** Its day, in the institution's time zone. */
      date: string;
      /** When it ends. */
      endsAt?: string | null;
      /** When it begins, on that day; of the sessions of a day each begins at another time. */
      startsAt?: string | null;
      /** What it is about. */
      title?: string | null;
    }, AttendanceSession>;
    /** Deletes a code that nobody is marked with. */
    deleteCode: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a session in which nobody is marked. */
    deleteSession: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Gives a code. */
    getCode: Query<{
      /** Its id. */
      id: string;
    }, AttendanceCode>;
    /** Gives a session. */
    getSession: Query<{
      /** Its id. */
      id: string;
    }, AttendanceSession>;
    /** Lists what a student may be marked as. */
    listCodes: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, code, name, countsAs, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, code, name, createdAt */
      sort?: string;
    } | void, AttendanceCodePage>;
    /** Lists the marks of a session. */
    listRecords: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      /** only those whose method equals it */
      method?: "MARKED" | "CHECK_IN";
      page?: number;
      /** comma-separated: id, sessionId, studentId, enrollmentId, code, note, method, markedBy, rowVersion, createdAt, updatedAt */
      select?: string;
      /** only those whose sessionId equals it */
      sessionId: string;
      /** comma-separated, - for descending: id, code, createdAt */
      sort?: string;
      /** only those whose studentId equals it */
      studentId?: string;
    }, AttendanceRecordPage>;
    /** Lists the sessions of a class. */
    listSessions: Query<{
      /** only those whose classId equals it */
      classId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose date equals it */
      date?: string;
      /** only those at it and after it */
      from?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, classId, date, startsAt, endsAt, title, status, checkInUntil, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, date, createdAt */
      sort?: string;
      /** only those whose status equals it */
      status?: "OPEN" | "CLOSED" | "CANCELLED";
      /** only those at it and before it */
      to?: string;
    }, AttendanceSessionPage>;
    /** Marks up to 1,000 students of a session, with a status for each. */
    markRecords: Mutation<{
      /** Whether one refused row refuses all. */
      atomic?: boolean;
      /** 1 to 1,000; each is judged on its own. */
      items: Array<Mark>;
      /** The session. */
      sessionId: string;
    }, BulkAnswer>;
    /** Makes a code with which students mark themselves present for a while. */
    openCheckIn: Mutation<{
      /** The session. */
      id: string;
      /** How many seconds it holds, 30 to 7200; 600 where absent. */
      validForS?: number | null;
    }, CheckInCode>;
    /** Changes a code; what it counts as, while nobody is marked with it. */
    updateCode: Mutation<{
      /** What it is to count as, or nothing. */
      countsAs?: number | null;
      /** Which one. */
      id: string;
      /** A new name. */
      name?: string | null;
    }, AttendanceCode>;
    /** Changes a session; its day, while nobody is marked in it. */
    updateSession: Mutation<{
      /** Another day, while nobody is marked. */
      date?: string | null;
      /** When it ends, or that nobody knows. */
      endsAt?: string | null;
      /** Which one. */
      id: string;
      /** When it begins, or that nobody knows. */
      startsAt?: string | null;
      /** OPEN, CLOSED or CANCELLED. */
      status?: string | null;
      /** Another title, or none. */
      title?: string | null;
    }, AttendanceSession>;
  };
  enrollment: {
    /** Takes the seat that is offered, while the offer lasts. */
    acceptOffer: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
    /** Enrols up to 1,000 students, with a status for each. */
    bulkEnroll: Mutation<{
      /** Whether one refused row refuses all. */
      atomic?: boolean;
      /** The class. */
      classId: string;
      /** 1 to 1,000; each is judged on its own. */
      items: Array<BulkRow>;
    }, BulkAnswer>;
    /** Leaves the waitlist. */
    cancel: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
    /** Completes an enrolment. */
    complete: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
    /** Lets the seat go that is offered; it goes to the next who waits. */
    decline: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
    /** Leaves a class before the drop deadline. */
    drop: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
    /** Gives an enrolment; a student's own. */
    get: Query<{
      /** Its id. */
      id: string;
    }, Enrollment>;
    /** Lists enrolments; a student sees their own. */
    list: Query<{
      /** only those whose classId equals it */
      classId?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, classId, studentId, status, waitlistPosition, offerExpiresAt, enrolledOn, endedOn, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, enrolledOn, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose status equals it */
      status?: "PENDING" | "ACTIVE" | "WAITLISTED" | "OFFERED" | "SUSPENDED" | "COMPLETED" | "DROPPED" | "WITHDRAWN" | "CANCELLED" | "EXPIRED" | "REJECTED";
      /** only those whose studentId equals it */
      studentId?: string;
    } | void, EnrollmentPage>;
    /** Lists the enrolments of a class. */
    listOfClass: Query<{
      /** only those whose classId equals it */
      classId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, classId, studentId, status, waitlistPosition, offerExpiresAt, enrolledOn, endedOn, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, enrolledOn, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose status equals it */
      status?: "PENDING" | "ACTIVE" | "WAITLISTED" | "OFFERED" | "SUSPENDED" | "COMPLETED" | "DROPPED" | "WITHDRAWN" | "CANCELLED" | "EXPIRED" | "REJECTED";
      /** only those whose studentId equals it */
      studentId?: string;
    }, EnrollmentPage>;
    /** Ends a suspension. */
    resume: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
    /** Suspends an enrolment; it keeps its seat. */
    suspend: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
    /** Leaves a class after the drop deadline. */
    withdraw: Mutation<{
      /** The day from which it counts; today where absent. For admin, staff and api clients. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason?: string | null;
    }, Enrollment>;
  };
  notification: {
    /** Gives what the caller wants to be told of, and how. */
    getPreferences: Query<{ [member: string]: never } | void, Preferences>;
    /** Lists the caller's own notifications, the newest first, and counts the unread. */
    list: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, type, payload, subject, text, readAt, rowVersion, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
      /** only those whose type equals it */
      type?: string;
      /** only those whose unread equals it */
      unread?: "true" | "false";
    } | void, Inbox>;
    /** Marks all of the caller's own notifications as read. */
    markAllRead: Mutation<{ [member: string]: never } | void, MarkedRead>;
    /** Marks one of the caller's own notifications as read. */
    markRead: Mutation<{
      /** Its id. */
      id: string;
    }, Notification>;
    /** Replaces what the caller wants to be told of, and how. */
    setPreferences: Mutation<{
      /** Each type and channel at most once. */
      items: Array<Preference>;
    }, Preferences>;
  };
  progress: {
    /** Gives the progress of an enrolment by subject. */
    get: Query<{
      /** Its id. */
      id: string;
    }, ProgressList>;
  };
  report: {
    /** Lists the institution's metrics by month. */
    listMonthly: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those at it and after it */
      from?: string;
      limit?: number;
      /** only those whose month equals it */
      month?: string;
      page?: number;
      /** comma-separated: id, month, activeStudents, activeClasses, enrollmentsMade, enrollmentsDropped, enrollmentsCompleted, completionRate, sessions, counted, present, attendanceRate, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, month, createdAt */
      sort?: string;
      /** only those at it and before it */
      to?: string;
    } | void, MonthlyMetricsPage>;
    /** Lists weekly reports, of classes and of the institution; an instructor's by classId. */
    listWeekly: Query<{
      /** only those whose classId equals it */
      classId?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those at it and after it */
      from?: string;
      limit?: number;
      page?: number;
      /** only those whose scope equals it */
      scope?: "CLASS" | "INSTITUTION";
      /** comma-separated: id, weekStart, scope, classId, enrolled, joined, dropped, sessions, counted, present, attendanceRate, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, weekStart, createdAt */
      sort?: string;
      /** only those at it and before it */
      to?: string;
      /** only those whose weekStart equals it */
      weekStart?: string;
    } | void, WeeklyReportPage>;
  };
  webhook: {
    /** Creates a webhook; its secret is in this answer alone. */
    create: Mutation<{
      /** What it is for. */
      description?: string;
      /** The types of events that it gets, such as `STUDENT_ENROLLED`; all where there are none. */
      eventTypes?: Array<string>;
      /** Where events are sent: https, to a public address. */
      url: string;
    }, Webhook>;
    /** Deletes a webhook with its deliveries. */
    delete: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Sends nothing more to a webhook. */
    disable: Mutation<{
      /** Its id. */
      id: string;
    }, Webhook>;
    /** Sends to a webhook again. */
    enable: Mutation<{
      /** Its id. */
      id: string;
    }, Webhook>;
    /** Gives a webhook, without its secret. */
    get: Query<{
      /** Its id. */
      id: string;
    }, Webhook>;
    /** Gives a delivery. */
    getDelivery: Query<{
      /** Its id. */
      id: string;
    }, Delivery>;
    /** Lists webhooks, without their secrets. */
    list: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, url, description, eventTypes, status, disabledReason, failingSince, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
      /** only those whose status equals it */
      status?: "ENABLED" | "DISABLED";
    } | void, WebhookPage>;
    /** Lists what was and will be delivered to a webhook. */
    listDeliveries: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose endpointId equals it */
      endpointId: string;
      /** only those whose eventId equals it */
      eventId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, endpointId, eventId, eventType, webhookId, state, attempts, lastStatus, lastError, lastAttemptAt, nextAttemptAt, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
      /** only those whose state equals it */
      state?: "PENDING" | "DELIVERED" | "FAILED";
    }, DeliveryPage>;
    /** Delivers an event once more, with the same webhook-id. */
    replayDelivery: Mutation<{
      /** Its id. */
      id: string;
    }, Delivery>;
    /** Makes a new secret, which is in this answer alone; for a day the old one signs, too. */
    rotateSecret: Mutation<{
      /** Its id. */
      id: string;
    }, Webhook>;
    /** Sends a WEBHOOK_TEST event to one webhook. */
    test: Mutation<{
      /** Its id. */
      id: string;
    }, Webhook>;
    /** Changes a webhook. */
    update: Mutation<{
      /** Another description. */
      description?: string | null;
      /** Other types of events; all where there are none. */
      eventTypes?: Array<string> | null;
      /** Which one. */
      id: string;
      /** Another URL. */
      url?: string | null;
    }, Webhook>;
  };
}>;
