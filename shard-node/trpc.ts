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
/** What a student is granted. */
export type Accommodations = {
  /** Whether breaks are granted. */
  breaks?: boolean;
  /** How much longer time limits are, in percent: 0 to 300. */
  extraTimePercent?: number;
  /** What else there is to know. */
  notes?: string;
};
/** What a student has answered: a JSON value by item. */
export type Answers = { [member: string]: unknown };
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
/** Something that students of a class are assessed by. */
export type Assessment = {
  /** Which attempt counts. */
  attemptPolicy: CountedAttempt;
  /** The category of the gradebook. */
  categoryId?: string | null;
  /** The class. */
  classId: string;
  /** When it was closed. */
  closedAt?: string | null;
  /** Until when it may be sat. */
  closesAt?: string | null;
  /** Whether it counts for totals and progress. */
  counts: boolean;
  /** When it was made. */
  createdAt: string;
  /** Later than this is late. */
  dueAt?: string | null;
  /** Its id there. */
  externalId?: string | null;
  /** AUTOMATED or MANUAL. */
  gradingType: GradingType;
  /** Its id. */
  id: string;
  /** What students are told before they begin. */
  instructions?: string | null;
  /** The institution's own word, such as TMA, CMA or EXAM. */
  kind?: string | null;
  /** What lateness costs; nothing where null. */
  latePolicyId?: string | null;
  /** Where the materials stand. */
  materialsStatus: MaterialsStatus;
  /** How often it may be sat. */
  maxAttempts: number;
  /** From when it may be begun. */
  opensAt?: string | null;
  /** Points of all, an exact decimal; those of the blueprint where there is one. */
  pointsPossible: string;
  /** When it was published. */
  publishedAt?: string | null;
  /** When scores are seen. */
  releasePolicy: ReleasePolicy;
  /** When they were released for all. */
  releasedAt?: string | null;
  /** Which blueprint this is, from 1; 0 where there is none. */
  revision: number;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** DRAFT, PUBLISHED or CLOSED. */
  status: AssessmentStatus;
  /** The subject of the class that it counts for; for all of them where null. */
  subjectId?: string | null;
  /** How long an attempt may take, in seconds. */
  timeLimitSeconds?: number | null;
  /** What it is called. */
  title: string;
  /** When it was changed last. */
  updatedAt: string;
};
/** What is different for a student; null is as for everybody. */
export type AssessmentOverride = {
  /** The assessment. */
  assessmentId: string;
  /** Until when it may be sat. */
  closesAt?: string | null;
  /** When it was made. */
  createdAt: string;
  /** Later than this is late. */
  dueAt?: string | null;
  /** Attempts beyond those of all. */
  extraAttempts?: number | null;
  /** How much longer the time limit is, in percent; what the student is granted anyway counts where it is more. */
  extraTimePercent?: number | null;
  /** Its id. */
  id: string;
  /** Why. */
  note?: string | null;
  /** From when it may be begun. */
  opensAt?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** The student. */
  studentId: string;
  /** When it was changed last. */
  updatedAt: string;
};
export type AssessmentOverridePage = {
  items: Array<AssessmentOverride>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
export type AssessmentPage = {
  items: Array<Assessment>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What the grades of an assessment come to. */
export type AssessmentStats = {
  /** The assessment. */
  assessmentId: string;
  /** Exemptions. */
  exempt: number;
  /** Grades with a score. */
  graded: number;
  /** The institution's own word, such as TMA, CMA or EXAM. */
  kind?: string | null;
  /** The highest. */
  maxScore?: string | null;
  /** The mean score, to 4 decimals; null of nothing. */
  meanScore?: string | null;
  /** The lowest. */
  minScore?: string | null;
  /** Points of all. */
  pointsPossible: string;
  /** All scores together. */
  scoreSum: string;
  /** What it is called. */
  title: string;
  /** Grades without a score; not those that were never begun. */
  ungraded: number;
};
/** Where an assessment stands. */
export type AssessmentStatus = "DRAFT" | "PUBLISHED" | "CLOSED";
/** An attempt. */
export type Attempt = {
  /** What was saved last, by item. */
  answers: { [member: string]: unknown };
  /** The assessment. */
  assessmentId: string;
  /** Which one it is, from 1. */
  attempt: number;
  /** When it is handed in by itself; null: never. */
  deadlineAt?: string | null;
  /** Its id, which is the submission's. */
  id: string;
  /** What is asked. */
  paper: Paper;
  /** Raised by every save; the next one names it in `If-Match`. */
  rowVersion: number;
  /** When that was. */
  savedAt?: string | null;
  /** The server's time, by which the deadline goes. */
  serverTime: string;
  /** When it was begun. */
  startedAt: string;
  /** Where it stands. */
  status: SubmissionStatus;
  /** The student. */
  studentId: string;
  /** When it was handed in. */
  submittedAt?: string | null;
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
  /** The session's class. */
  classId: string;
  /** The code, such as PRESENT. */
  code: string;
  /** When it was made. */
  createdAt: string;
  /** The session's day. */
  date: string;
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
  /** Its day, on the class's own calendar. */
  date: string;
  /** When it ends. */
  endsAt?: string | null;
  /** Its id. */
  id: string;
  /** The meeting of the timetable that it was made from. */
  meetingId?: string | null;
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
  /** Where the next page begins, where there may be one; also behind an empty page: one request looks at no more than 50,000 numbers. */
  nextCursor?: string | null;
};
/** One entry of the audit. */
export type AuditEntry = LoggedEvent & ({
  /** SHA-256 of it and the hash before it, in hex. */
  hash: string;
  /** The request that caused it. */
  requestId?: string | null;
});
/** What a paper is made of: sections, in order. */
export type Blueprint = {
  /** How answers to it are read. */
  grading?: GradingPolicy;
  /** The sections. */
  sections: Array<BlueprintSection>;
};
/** Questions from a bank, by lot: of those with all of the tags, and the difficulty. */
export type BlueprintDraw = {
  /** The bank. */
  bankId: string;
  /** How many. */
  count: number;
  difficulty?: QuestionDifficulty | null;
  /** What each is worth. */
  points: string;
  /** Tags that each of them has. */
  tags?: Array<string>;
};
/** Named questions, in order. */
export type BlueprintFixed = {
  /** The questions. */
  items: Array<BlueprintFixedItem>;
};
/** A named question. */
export type BlueprintFixedItem = {
  /** What it is worth. */
  points: string;
  /** The question. */
  questionId: string;
};
/** A part of a paper. */
export type BlueprintSection = {
  /** Where its questions come from. */
  kind: BlueprintSectionKind;
  /** What stands above it. */
  title?: string;
};
/** Where the questions of a section come from. */
export type BlueprintSectionKind = (BlueprintDraw & ({
  type: "DRAW";
})) | (BlueprintFixed & ({
  type: "FIXED";
}));
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
/** One grade. */
export type BulkGrade = {
  /** The assessment of the class. */
  assessmentId: string;
  /** Its id there. */
  externalId?: string | null;
  /** When it was graded elsewhere; with `source`. */
  gradedAt?: string | null;
  /** Points that lateness takes; by the late policy, where there is one and it is known when the work was handed in, if absent. */
  lateDeduction?: string | null;
  /** A remark. */
  note?: string | null;
  /** The version of the grade that was read: 412 where it has moved on. A change of a grade needs it, unless the grade is still as the same `source` has sent it. */
  rowVersion?: number | null;
  /** Points before any late deduction, from 0 to what is possible. */
  score?: string | null;
  /** The system that it comes from, for admin, staff and api clients; together with `externalId` unique. */
  source?: string | null;
  state?: State | null;
  /** The student, who is in the class or was. */
  studentId: string;
  /** When the work was handed in; as the grade has it, where absent. */
  submittedAt?: string | null;
};
/** One result. */
export type BulkResult = {
  /** Its id there. */
  externalId?: string | null;
  /** When it became final; now where absent. */
  finalizedAt?: string | null;
  /** What the percent is called; by the class's scale where absent. */
  letter?: string | null;
  /** PASS, DISTINCTION, FAIL, WITHDRAWN, EXEMPT or INCOMPLETE. */
  outcome: Outcome;
  /** In percent, 0 to 1000; none where absent. */
  percent?: string | null;
  /** The version of the result that was read: 412 where it has moved on. A change needs it, unless the result is one that the same `source` has sent. */
  rowVersion?: number | null;
  /** The system that it comes from; together with `externalId` unique. */
  source?: string | null;
  /** The student, who is in the class or was. */
  studentId: string;
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
/** A category, as totals see it. */
export type CategoryRow = {
  /** How many of the highest are left out. */
  dropHighest: number;
  /** How many of the lowest are left out. */
  dropLowest: number;
  /** Its id. */
  id: string;
  /** Its name. */
  name: string;
  /** What it weighs. */
  weight: string;
};
/** A grade in a gradebook. */
export type Cell = {
  /** The assessment. */
  assessmentId: string;
  /** The grade. */
  gradeId: string;
  /** Points that lateness took. */
  lateDeduction: string;
  /** MANUAL or AUTOMATED. */
  origin: Origin;
  /** Points that there were to get. */
  possible: string;
  /** Whether the student sees it. */
  released: boolean;
  /** For `rowVersion` and `If-Match`. */
  rowVersion: number;
  /** Points, after the late deduction; null unless GRADED. */
  score?: string | null;
  /** UNGRADED, GRADED or EXEMPT. */
  state: State;
};
/** How a user is told. */
export type Channel = "IN_APP" | "EMAIL";
/** The code that was made; it is shown this once. */
export type CheckInCode = {
  /** Six digits. */
  code: string;
  /** Until when it holds. */
  expiresAt: string;
};
/** What a selection is worth. */
export type ChoiceScoring = "ALL_OR_NOTHING" | "PARTIAL" | "MAP";
/** One of some values: numbers, or texts that only statements use. */
export type ChoicesParameter = {
  /** Its name. */
  name: string;
  /** The values. */
  values: Array<string>;
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
  /** The clock that its hours are of; the institution's where null. */
  timezone?: string | null;
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
/** What the grades of a class come to. */
export type ClassGradeStats = {
  /** Its assessments, in order of their due dates. */
  assessments: Array<AssessmentStats>;
  /** The class. */
  classId: string;
  /** Exemptions. */
  exempt: number;
  /** Grades with a score, of all its assessments. */
  graded: number;
  /** The mean of all scores, to 4 decimals; null of nothing. */
  meanScore?: string | null;
  /** Grades without a score. */
  ungraded: number;
};
/** A weekly meeting of a class. */
export type ClassMeeting = {
  /** The class. */
  classId: string;
  /** When it was made. */
  createdAt: string;
  /** When it ends, on the same day. */
  ends: string;
  /** The first day on which it may be held; the term's where null. */
  from?: string | null;
  /** Its id. */
  id: string;
  /** Where. */
  room?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** When it begins, on the class's own clock. */
  starts: string;
  /** The clock that its times are of: the class's, or the institution's. */
  timezone: string;
  /** The last day; the term's where null. */
  until?: string | null;
  /** When it was changed last. */
  updatedAt: string;
  /** The day of the week. */
  weekday: "MON" | "TUE" | "WED" | "THU" | "FRI" | "SAT" | "SUN";
};
export type ClassMeetingPage = {
  items: Array<ClassMeeting>;
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
/** What an enrolment came to. */
export type ClassResult = {
  /** The class. */
  classId: string;
  /** When it was made. */
  createdAt: string;
  /** The enrolment. */
  enrollmentId: string;
  /** Its id there. */
  externalId?: string | null;
  /** When it became final last. */
  finalizedAt: string;
  /** The user who did it; null where the platform did. */
  finalizedBy?: string | null;
  /** Its id. */
  id: string;
  /** What that is called. */
  letter?: string | null;
  /** PASS, DISTINCTION, FAIL, WITHDRAWN, EXEMPT or INCOMPLETE. */
  outcome: Outcome;
  /** In percent, to 4 decimals; null where a system sent none, or nothing counted. */
  percent?: string | null;
  /** Why it was reopened last. */
  reason?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** FINAL; or REOPENED, while grades may change. */
  state: string;
  /** The student. */
  studentId: string;
  /** When it was changed last. */
  updatedAt: string;
};
export type ClassResultPage = {
  items: Array<ClassResult>;
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
/** A text with gaps. */
export type ClozeBody = {
  /** The gaps; each stands once in the statement, as `[[name]]`. */
  parts: Array<ClozePart>;
};
/** A gap. */
export type ClozePart = {
  /** How it is answered. */
  body: PartBody;
  /** Its name. */
  name: string;
  /** Its part of the points, beside the others'; 1 where absent. */
  weight?: string;
};
/** An assessment of a gradebook. */
export type Column = {
  /** The assessment. */
  assessmentId: string;
  /** The category. */
  categoryId?: string | null;
  /** Whether it counts for totals. */
  counts: boolean;
  /** Later than this is late. */
  dueAt?: string | null;
  /** AUTOMATED or MANUAL. */
  gradingType: string;
  /** The institution's own word, such as TMA, CMA or EXAM. */
  kind?: string | null;
  /** Points of all. */
  pointsPossible: string;
  /** Whether students see their scores once they are given. */
  released: boolean;
  /** PUBLISHED or CLOSED. */
  status: string;
  /** The subject that it counts for; every one where null. */
  subjectId?: string | null;
  /** What it is called. */
  title: string;
};
/** Which of a student's attempts counts. */
export type CountedAttempt = "BEST" | "LAST" | "FIRST" | "AVERAGE";
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
/** A stored template. */
export type CurriculumTemplate = {
  /** The template itself. */
  body: Template;
  /** Its code. */
  code: string;
  /** When it was stored. */
  createdAt: string;
  /** Its id. */
  id: string;
  /** Stays 1: a template does not change. */
  rowVersion: number;
  /** Its version. */
  version: number;
};
export type CurriculumTemplatePage = {
  items: Array<CurriculumTemplate>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A day of the week. */
export type Day = "MON" | "TUE" | "WED" | "THU" | "FRI" | "SAT" | "SUN";
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
/** What others come to. */
export type DerivedParameter = {
  /** A formula of the parameters before it, such as `round(a / b, 2)`. */
  expression: string;
  /** Its name. */
  name: string;
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
/** A change of an enrolment's state. */
export type EnrollmentEvent = {
  /** The user who did it; null where the platform did. */
  actorId?: string | null;
  /** When it was written. */
  createdAt: string;
  /** The day from which it counts. */
  effectiveOn: string;
  /** The enrolment. */
  enrollmentId: string;
  fromStatus?: Status | null;
  /** Its id. */
  id: string;
  /** The codes of refusals that were passed over. */
  overrode: Array<string>;
  /** Why, where somebody said so. */
  reason?: string | null;
  /** Where it stands since. */
  toStatus: Status;
};
export type EnrollmentEventPage = {
  items: Array<EnrollmentEvent>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
export type EnrollmentPage = {
  items: Array<Enrollment>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A long text. */
export type EssayBody = {
  /** The most characters that students are told to write. */
  maxChars?: number | null;
};
/** Events after a number. */
export type EventLog = {
  /** The events. */
  items: Array<LoggedEvent>;
  /** `after` of the request that goes on: nothing that was asked for stands before it. One request looks at no more than 50,000 numbers: there may be none of the types asked for in them, and more behind. */
  nextAfter: number;
};
/** Files. */
export type FileBody = {
  /** The most files that students are told to hand in. */
  maxFiles?: number | null;
};
/** What became of it. */
export type Finalized = {
  /** The class. */
  classId: string;
  /** Enrolments that were completed by it. */
  completed: number;
  /** Results that are final now, and were not before. */
  finalized: number;
  /** Results that were final already. */
  unchanged: number;
};
/** What came of it. */
export type GeneratedSessions = {
  /** Those that were made. */
  items: Array<AttendanceSession>;
  /** How many the timetable has on these days that were there before, moved and cancelled ones among them. */
  there: number;
};
/** The terms of a year. */
export type GeneratedTerms = {
  /** In order. */
  items: Array<Term>;
};
/** Points that a person gives. */
export type GivePoints = {
  /** What to say of it. */
  comment?: string | null;
  /** The item's name in the paper. */
  item: string;
  /** Points, 0 to those of the item. */
  points: string;
};
/** The mark of a student in an assessment. */
export type Grade = {
  /** The assessment. */
  assessmentId: string;
  /** The assessment's class. */
  classId: string;
  /** When it was made. */
  createdAt: string;
  /** Its id there. */
  externalId?: string | null;
  /** When the score or the exemption was given. */
  gradedAt?: string | null;
  /** The user who gave it; null where the platform did. */
  gradedBy?: string | null;
  /** Its id. */
  id: string;
  /** Points that lateness took. */
  lateDeduction: string;
  /** A remark of whoever gave it. */
  note?: string | null;
  /** MANUAL or AUTOMATED. */
  origin: Origin;
  /** Points that there were to get. */
  possible: string;
  /** Since when the student sees it; null where not yet. */
  releasedAt?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** Points, after the late deduction; null unless GRADED. */
  score?: string | null;
  /** The system that it came from, as long as nobody has changed it here. */
  source?: string | null;
  /** UNGRADED, GRADED or EXEMPT. */
  state: State;
  /** The student. */
  studentId: string;
  /** The submission that decided, where there was one. */
  submissionId?: string | null;
  /** When the work was handed in, where that is known. */
  submittedAt?: string | null;
  /** When it was changed last. */
  updatedAt: string;
};
/** A change of a grade: who, from what to what, and why. */
export type GradeEvent = {
  /** The user who did it; null where the platform did. */
  actorId?: string | null;
  /** What it became; of KEPT, what was not taken. */
  after: { [member: string]: unknown };
  /** What the grade was; null where there was none. */
  before?: { [member: string]: unknown } | null;
  /** When. */
  createdAt: string;
  /** The grade. */
  gradeId: string;
  /** The grade's version after it. */
  gradeVersion: number;
  /** Its id. */
  id: string;
  /** GIVEN, CHANGED, RELEASED; or KEPT, where an automatic one came too late and was not taken. */
  kind: string;
  /** Why, where somebody said so. */
  reason?: string | null;
};
export type GradeEventPage = {
  items: Array<GradeEvent>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
export type GradePage = {
  items: Array<Grade>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A scale. */
export type GradeScale = {
  /** What percents are called. */
  bands: Array<ScaleBand>;
  /** The class; null where it is the institution's. */
  classId?: string | null;
  /** When it was made. */
  createdAt: string;
  /** The lowest percent that is a distinction; null where there are none. */
  distinctionMark?: string | null;
  /** Its id. */
  id: string;
  /** Whether classes without a scale of their own go by it. */
  isDefault: boolean;
  /** Its name. */
  name: string;
  /** The lowest percent that passes. */
  passMark: string;
  /** Raised by every change. */
  rowVersion: number;
  /** When it was changed last. */
  updatedAt: string;
};
export type GradeScalePage = {
  items: Array<GradeScale>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A page of a gradebook. */
export type Gradebook = {
  /** Its published assessments, in the order of categories and due dates. */
  assessments: Array<Column>;
  /** Its categories, in their order. */
  categories: Array<CategoryRow>;
  /** The class. */
  classId: string;
  /** Students, by name. */
  items: Array<GradebookRow>;
  /** Students of a page. */
  limit: number;
  /** The page's number. */
  page: number;
  /** How many there are in all. */
  total: number;
  /** How many pages there are. */
  totalPages: number;
};
/** What an enrolment came to. */
export type GradebookResult = {
  /** What that is called. */
  letter?: string | null;
  /** PASS, DISTINCTION, FAIL, WITHDRAWN, EXEMPT or INCOMPLETE. */
  outcome: string;
  /** In percent; null where a system sent none. */
  percent?: string | null;
  /** FINAL or REOPENED. */
  state: string;
};
/** A student in a gradebook. */
export type GradebookRow = {
  /** The enrolment. */
  enrollmentId: string;
  /** Where it stands. */
  enrollmentStatus: string;
  /** Family name. */
  familyName: string;
  /** Given names. */
  givenName: string;
  /** The grades that there are. */
  grades: Array<Cell>;
  result?: GradebookResult | null;
  /** The student. */
  studentId: string;
  /** The student's number. */
  studentNo: string;
  /** What they come to. */
  totals: GradebookTotals;
};
/** What a student's grades come to. */
export type GradebookTotals = {
  /** In percent to 4 decimals, of what is graded; null of nothing. */
  current?: string | null;
  /** What `current` is called. */
  currentLetter?: string | null;
  /** In percent to 4 decimals, with what is not graded as 0; null of nothing. */
  final?: string | null;
  /** What `final` is called. */
  finalLetter?: string | null;
};
/** A part of a class's mark. */
export type GradingCategory = {
  /** The class. */
  classId: string;
  /** When it was made. */
  createdAt: string;
  /** How many of the highest are left out. */
  dropHighest: number;
  /** How many of the lowest are left out. */
  dropLowest: number;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** Its name, unique in the class. */
  name: string;
  /** Its place among them. */
  position: number;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** When it was changed last. */
  updatedAt: string;
  /** What it weighs: the weights that count are rescaled to 100 in all. */
  weight: string;
};
export type GradingCategoryPage = {
  items: Array<GradingCategory>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What an institution or an assessment says about grading. */
export type GradingPolicy = {
  /** Whether `3,14` is a number. Without it a number with a comma is INVALID, since `1,000` may mean two things. */
  decimalComma?: boolean;
};
/** Who gives the points. */
export type GradingType = "AUTOMATED" | "MANUAL";
/** A group of electives: some of its courses are taken. */
export type Group = {
  /** Its code, which items name. */
  code: string;
  /** Credits to take from it; all of its courses where absent. */
  credits?: string | null;
  /** Its name. */
  name?: string | null;
};
/** That a user answers for a student. */
export type GuardianLink = {
  /** When it was made. */
  createdAt: string;
  /** The first day on which it counts, in the institution's time zone; from ever where null. */
  from?: string | null;
  /** The user who answers. */
  guardianId: string;
  /** Its id. */
  id: string;
  /** What the user is to the student. */
  relationship: "PARENT" | "GUARDIAN" | "SPONSOR" | "OTHER";
  /** Raised by every change. */
  rowVersion: number;
  /** The student. */
  studentId: string;
  /** The last day; for good where null. */
  until?: string | null;
  /** When it was changed last. */
  updatedAt: string;
};
export type GuardianLinkPage = {
  items: Array<GuardianLink>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A role that a user has, for a time or for good. */
export type HeldRole = {
  /** The first day on which it counts, in the institution's time zone; from ever where null. */
  from?: string | null;
  /** The org unit that it is a role in; the whole institution where absent. */
  orgUnitId?: string | null;
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
/** What changes in an item. */
export type ItemChange = {
  /** Points as they will be. */
  after: string;
  /** Points as they are. */
  before: string;
  /** Its name in the paper. */
  item: string;
};
/** Whether everybody takes it. */
export type ItemKind = "CORE" | "ELECTIVE";
/** An item's points. */
export type ItemScore = {
  /** What a person says of it. */
  comment?: string | null;
  /** GRADER or PERSON. */
  givenBy?: string | null;
  /** Its name in the paper, such as `i1`. */
  item: string;
  /** Points; null until there are some. */
  points?: string | null;
  /** Points that there were to get. */
  possible: string;
  /** The question. */
  questionId: string;
  /** Its version by which it was graded. */
  questionVersion: number;
  /** SCORED, UNANSWERED, INVALID, or REVIEW while a person has to look at it; null until the grader has. */
  state?: string | null;
};
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
/** Of what lateness is counted. */
export type LateInterval = "HOUR" | "DAY";
/** What lateness costs. */
export type LatePolicy = {
  /** The class; null where every class may use it. */
  classId?: string | null;
  /** When it was made. */
  createdAt: string;
  /** Percent below which nothing is deducted. */
  floorPercent: string;
  /** Its id. */
  id: string;
  /** HOUR or DAY. */
  interval: LateInterval;
  /** Its name, unique in the class, or among those of all. */
  name: string;
  /** Percent of what is possible, for each interval. */
  ratePercent: string;
  /** Raised by every change. */
  rowVersion: number;
  /** When it was changed last. */
  updatedAt: string;
};
export type LatePolicyPage = {
  items: Array<LatePolicy>;
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
/** Pairs. */
export type MatchingBody = {
  /** Partners that are nobody's. */
  distractors?: Array<string>;
  /** The pairs. */
  pairs: Array<MatchingPair>;
};
/** What is matched, and its partner. */
export type MatchingPair = {
  /** Its partner; two may have the same. */
  partner: string;
  /** What is matched. */
  prompt: string;
};
/** Where the materials stand: what papers are drawn from. */
export type MaterialsStatus = "NONE" | "PENDING" | "READY" | "FAILED";
/** What may be seen of materials. */
export type MaterialsView = {
  /** The assessment. */
  assessmentId: string;
  blueprint?: Blueprint | null;
  /** SHA-256 of blueprint and questions, keys among them, in hexadecimal: what students get is drawn from these. */
  hash?: string | null;
  /** When they were made. */
  madeAt?: string | null;
  /** Why they could not be made. */
  problems: Array<string>;
  /** Which blueprint this is, from 1; 0 where there is none. */
  revision: number;
  /** The assessment's version. */
  rowVersion: number;
  /** Where they stand. */
  status: MaterialsStatus;
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
  /** Grades that were given. */
  graded: number;
  /** Its id. */
  id: string;
  /** Their mean percent, to 4 decimals; null of none. */
  meanPercent?: number | null;
  /** Its first day. */
  month: string;
  /** Their percents together, so that weeks and classes can be added up. */
  percentSum: number;
  /** What these count as, in all. */
  present: number;
  /** Raised where a later run found it different. */
  rowVersion: number;
  /** Sessions that were not cancelled. */
  sessions: number;
  /** What was handed in. */
  submitted: number;
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
/** Any number of choices. */
export type MultipleBody = {
  /** The choices. */
  choices: Array<MultipleChoice>;
  /** With MAP: the least that the sum counts as; 0 where absent. The most is 1. */
  lower?: string | null;
  /** With PARTIAL: the part of the points that a wrong choice costs; 1 / right choices where absent, as in Canvas. */
  penalty?: string | null;
  /** What a selection is worth. */
  scoring?: ChoiceScoring;
};
/** One choice of which any number may be chosen. */
export type MultipleChoice = {
  /** Whether it is right; not with MAP. */
  right?: boolean;
  /** What it says. */
  text: string;
  /** With MAP: the part of the points that it is worth, -1 to 1; 0 where absent. */
  value?: string | null;
};
/** A student to create. */
export type NewStudent = {
  accommodations?: Accommodations | null;
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
/** Numbers that are accepted: about `value`, or from `min` to `max`; the ends are accepted, too. */
export type NumberAnswer = {
  /** The part of the points; 1 where absent. */
  fraction?: string;
  /** The most. */
  max?: string | null;
  /** The least. */
  min?: string | null;
  /** How far from it; 0 where absent. */
  tolerance?: string | null;
  /** What the tolerance is. */
  toleranceType?: ToleranceType;
  /** The value. */
  value?: string | null;
};
/** A number. */
export type NumericBody = {
  /** What is accepted; the best of what accepts an answer counts. */
  accepted: Array<NumberAnswer>;
  /** What stands behind the field, such as `kg`. */
  unit?: string | null;
};
/** What to do where the class is full. */
export type OnFull = "reject" | "waitlist";
/** What an order is worth. */
export type OrderScoring = "EXACT" | "POSITIONAL" | "PAIRWISE";
/** An order. */
export type OrderingBody = {
  /** The things, in the right order. Students see them in another one. */
  items: Array<string>;
  /** What another order is worth. */
  scoring?: OrderScoring;
};
/** An org unit. */
export type OrgUnit = {
  /** Its code, unique in the institution. */
  code: string;
  /** When it was made. */
  createdAt: string;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** Its name. */
  name: string;
  /** The unit above it; null at the top. */
  parentId?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** When it was changed last. */
  updatedAt: string;
};
export type OrgUnitPage = {
  items: Array<OrgUnit>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** Who gave it. */
export type Origin = "MANUAL" | "AUTOMATED";
/** What an enrolment came to. */
export type Outcome = "PASS" | "DISTINCTION" | "FAIL" | "WITHDRAWN" | "EXEMPT" | "INCOMPLETE";
/** Refusals to pass over, and why. */
export type Overrides = {
  /** Why, for the record. */
  reason: string;
  /** Which ones. */
  refusals: Array<Passable>;
};
/** What a student sees of a gradebook. */
export type OwnGradebook = {
  /** Its published assessments, in the order of categories and due dates. */
  assessments: Array<Column>;
  /** Its categories, in their order. */
  categories: Array<CategoryRow>;
  /** The class. */
  classId: string;
  /** The student, or each for whom the caller answers. */
  items: Array<GradebookRow>;
};
/** What a student sees. */
export type Paper = {
  /** The items, in order. */
  items: Array<PaperItem>;
};
/** A text with the id by which it is chosen. */
export type PaperChoice = {
  /** The id. */
  id: string;
  /** The text. */
  text: string;
};
/** How something is answered; of its members those that its type has. */
export type PaperField = {
  /** What may be chosen, or is to be ordered. */
  choices?: Array<PaperChoice>;
  /** The most characters of an essay. */
  maxChars?: number | null;
  /** The most files. */
  maxFiles?: number | null;
  /** What it may be matched with. */
  partners?: Array<PaperChoice>;
  /** What is to be matched. */
  prompts?: Array<PaperChoice>;
  /** What the student does. */
  type: QuestionType;
  /** What stands behind a number's field. */
  unit?: string | null;
};
/** One item of a paper. */
export type PaperItem = PaperField & ({
  /** Its name, by which it is answered: `i1`, `i2` and so on. */
  item: string;
  /** The gaps of a cloze. */
  parts?: Array<PaperPart>;
  /** What it is worth. */
  points: string;
  /** What stands above its section. */
  section: string;
  /** What is asked; in a cloze with `[[name]]` where a gap is. */
  statement: string;
});
/** A gap of a cloze. */
export type PaperPart = PaperField & ({
  /** Its name, by which it is answered. */
  part: string;
});
/** How a gap is answered, and what is right. */
export type PartBody = (SingleBody & ({
  type: "SINGLE";
})) | (MultipleBody & ({
  type: "MULTIPLE";
})) | (NumericBody & ({
  type: "NUMERIC";
})) | (ShortTextBody & ({
  type: "SHORT_TEXT";
}));
/** A refusal of an enrolment that may be passed over. */
export type Passable = "class-full" | "schedule-conflict" | "prerequisite";
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
/** That a course demands another. */
export type Prerequisite = {
  /** The course that demands. */
  courseId: string;
  /** When it was added. */
  createdAt: string;
  /** Its id. */
  id: string;
  /** That course's code. */
  prerequisiteCode: string;
  /** The course to be completed before. */
  prerequisiteId: string;
  /** Raised by every change. */
  rowVersion: number;
};
export type PrerequisitePage = {
  items: Array<Prerequisite>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** The curriculum that a template would make now. */
export type Preview = {
  /** Credits that a student would need. */
  creditsRequired: string;
  /** What it would be made of, in order. */
  items: Array<PreviewItem>;
  /** The template's code. */
  templateCode: string;
  /** The template's version. */
  templateVersion: number;
};
/** A course in a curriculum that would be made. */
export type PreviewItem = {
  /** The course's code. */
  courseCode: string;
  /** Its credits. */
  credits: string;
  /** The group of electives that it belongs to. */
  group?: string | null;
  /** Whether the course would be made, too. */
  isNew: boolean;
  /** CORE or ELECTIVE. */
  kind: string;
  /** Codes of courses to be completed before. */
  prerequisites: Array<string>;
  /** The term of that year, from 1. */
  term: number;
  /** The year of study, from 1. */
  year: number;
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
/** A curriculum with its program. */
export type ProgramCurriculum = {
  /** When it was made. */
  createdAt: string;
  /** Credits that a student needs. */
  creditsRequired: string;
  /** Its id. */
  id: string;
  /** What it is made of, in order. */
  items: Array<CurriculumItem>;
  /** The program. */
  programId: string;
  /** Stays 1: a curriculum does not change. */
  rowVersion: number;
  /** The template's code. */
  templateCode: string;
  /** The template's version. */
  templateVersion: number;
  /** Its number within the program. */
  version: number;
};
export type ProgramCurriculumPage = {
  items: Array<ProgramCurriculum>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
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
  /** The mark so far, in percent, of what is released; null of nothing. */
  percent?: string | null;
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
/** A question as its newest version has it, the key among it. */
export type Question = QuestionContent & ({
  /** The bank that it is in. */
  bankId: string;
  /** When it was made. */
  createdAt: string;
  /** EASY, MEDIUM or HARD. */
  difficulty: string;
  /** Its id there. */
  externalId?: string | null;
  /** Its id. */
  id: string;
  /** Raised by every change, also by one that makes no version. */
  rowVersion: number;
  /** The system that it came from. */
  source?: string | null;
  /** ACTIVE, or RETIRED: not drawn any more. */
  status: string;
  /** What it is found and drawn by. */
  tags: Array<string>;
  /** What authors call it; students do not see it. */
  title: string;
  /** How it is answered. */
  type: string;
  /** When it was changed last. */
  updatedAt: string;
  /** The number of its newest version, from 1. */
  version: number;
});
/** A bank of questions. */
export type QuestionBank = {
  /** How many questions may be drawn from it. */
  activeQuestions: number;
  /** The course that it is for; null where it is for several. */
  courseId?: string | null;
  /** When it was made. */
  createdAt: string;
  /** What it is for. */
  description: string;
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
  /** When it was changed last. */
  updatedAt: string;
};
export type QuestionBankPage = {
  items: Array<QuestionBank>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** How a question is answered, and what is right. */
export type QuestionBody = (SingleBody & ({
  type: "SINGLE";
})) | (TrueFalseBody & ({
  type: "TRUE_FALSE";
})) | (MultipleBody & ({
  type: "MULTIPLE";
})) | (NumericBody & ({
  type: "NUMERIC";
})) | (ShortTextBody & ({
  type: "SHORT_TEXT";
})) | (MatchingBody & ({
  type: "MATCHING";
})) | (OrderingBody & ({
  type: "ORDERING";
})) | (ClozeBody & ({
  type: "CLOZE";
})) | (EssayBody & ({
  type: "ESSAY";
})) | (FileBody & ({
  type: "FILE";
}));
/** What a version of a question says. */
export type QuestionContent = {
  /** How it is answered, and what is right. */
  body: QuestionBody;
  /** What the values of parameters must fulfil, such as `a != b`. */
  constraints: Array<string>;
  /** Its parameters, in order: what is derived refers to those before it. */
  parameters: Array<QuestionParameter>;
  /** Whether choices, and what is to be matched, come in an order of each student's own. */
  shuffle: boolean;
  /** What is asked, with `{{name}}` where a parameter's value goes, and `[[name]]` where a cloze has a gap. */
  statement: string;
};
/** How hard a question is. */
export type QuestionDifficulty = "EASY" | "MEDIUM" | "HARD";
export type QuestionPage = {
  items: Array<Question>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** A parameter: each student has values of their own. */
export type QuestionParameter = (RangeParameter & ({
  kind: "RANGE";
})) | (ChoicesParameter & ({
  kind: "CHOICES";
})) | (DerivedParameter & ({
  kind: "DERIVED";
}));
/** A question as a student might see it, with answers that get all points. */
export type QuestionPreview = {
  /** What is right; of what a person grades, some answer. */
  answers: Answers;
  /** What a student sees. */
  item: PaperItem;
};
/** What a student does to answer. */
export type QuestionType = "SINGLE" | "TRUE_FALSE" | "MULTIPLE" | "NUMERIC" | "SHORT_TEXT" | "MATCHING" | "ORDERING" | "CLOZE" | "ESSAY" | "FILE";
/** A version of a question, as it will always be. */
export type QuestionVersion = QuestionContent & ({
  /** When it was made. */
  createdAt: string;
  /** EASY, MEDIUM or HARD. */
  difficulty: string;
  /** The user who wrote it. */
  editedBy: string;
  /** Its id. */
  id: string;
  /** The question. */
  questionId: string;
  /** What it was found and drawn by. */
  tags: Array<string>;
  /** What authors called it. */
  title: string;
  /** How it is answered. */
  type: string;
  /** Its number, from 1. */
  version: number;
});
export type QuestionVersionPage = {
  items: Array<QuestionVersion>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** One of `min`, `min + step`, ... up to `max`. */
export type RangeParameter = {
  /** The most. */
  max: string;
  /** The least. */
  min: string;
  /** Its name. */
  name: string;
  /** From one to the next; 1 where absent. */
  step?: string;
};
/** That something was handed in: what, when and by whom. */
export type Receipt = {
  /** SHA-256 of the answers' JSON with members sorted and no blanks, in hexadecimal. */
  answersSha256: string;
  /** The assessment. */
  assessmentId: string;
  /** Which attempt it was, from 1. */
  attempt: number;
  /** HMAC-SHA256 of all this under the institution's key, in hexadecimal. */
  signature: string;
  /** The student. */
  studentId: string;
  /** The submission, which is the attempt. */
  submissionId: string;
  /** When the server had it; of what was handed in at the deadline, the deadline. */
  submittedAt: string;
};
/** What a receipt is worth. */
export type ReceiptVerdict = {
  /** Whether it is of this submission, and the answers that are kept are those that it names. */
  matches: boolean;
  /** Whether the institution has signed exactly this. */
  signed: boolean;
  /** Whether it is the receipt of this submission, as it is kept. */
  valid: boolean;
};
/** Grading anew, as far as it is. */
export type Regrade = {
  /** The user who has asked for it. */
  askedBy: string;
  /** The assessment. */
  assessmentId: string;
  /** Those whose points have changed. */
  changed: number;
  /** When it was asked for. */
  createdAt: string;
  /** Submissions that were graded anew so far. */
  examined: number;
  /** When it ended; null until then. */
  finishedAt?: string | null;
  /** Questions for which everybody gets full points. */
  fullCredit: Array<string>;
  /** Its id. */
  id: string;
  /** Which one of the assessment's it is, from 1. The newest counts: one before it ends where it is. */
  number: number;
  /** Raised by every change. */
  rowVersion: number;
  /** When it was changed last. */
  updatedAt: string;
};
/** What grading anew changes, or would change. */
export type RegradeAnswer = {
  /** Those whose points would change. */
  changes: Array<RegradeChange>;
  /** Whether nothing was changed. */
  dryRun: boolean;
  /** Submissions that a dry run has looked at: 200 at most. */
  examined: number;
  /** The job that makes the change; null in a dry run. */
  jobId?: string | null;
  /** Where the next dry run goes on; null where all were looked at. */
  next?: string | null;
  /** The regrade, which says how far the change is; null in a dry run. */
  regradeId?: string | null;
};
/** What changes for a student. */
export type RegradeChange = {
  /** Points as they will be. */
  after?: string | null;
  /** Which attempt it is. */
  attempt: number;
  /** Points as they are, after lateness; null while it waits for a person. */
  before?: string | null;
  /** The items whose points change. */
  items: Array<ItemChange>;
  /** The student. */
  studentId: string;
  /** The submission. */
  submissionId: string;
};
export type RegradePage = {
  items: Array<Regrade>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** What a guardian is to a student. */
export type Relationship = "PARENT" | "GUARDIAN" | "SPONSOR" | "OTHER";
/** When students see their scores. */
export type ReleasePolicy = "IMMEDIATE" | "AFTER_CLOSE" | "MANUAL";
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
/** What was saved. */
export type SavedAnswers = {
  /** The answers, by item. */
  answers: { [member: string]: unknown };
  /** The attempt. */
  attemptId: string;
  /** When the attempt is handed in by itself; null: never. */
  deadlineAt?: string | null;
  /** Raised by every save; the next one names it in `If-Match`. */
  rowVersion: number;
  /** When they were saved. */
  savedAt?: string | null;
  /** The server's time, by which the deadline goes. */
  serverTime: string;
  /** Where it stands. */
  status: SubmissionStatus;
};
/** A band of a scale. */
export type ScaleBand = {
  /** The percentage that it begins at. */
  fromPercent: string;
  /** What it is called, such as `A-`. */
  label: string;
};
/** What signs: `whsec_` and the base64 of the key. It is printed nowhere by itself. */
export type Secret = string;
/** A short text. */
export type ShortTextBody = {
  /** What is accepted; the best of what accepts an answer counts. */
  accepted: Array<TextAnswer>;
  /** Whether `Paris` and `paris` are two things. */
  caseSensitive?: boolean;
};
/** One choice of several. */
export type SingleBody = {
  /** The choices. */
  choices: Array<SingleChoice>;
};
/** One of several choices. */
export type SingleChoice = {
  /** The part of the points that it is worth, 0 to 1; 0 where absent. */
  fraction?: string;
  /** What it says. */
  text: string;
};
/** A job that was queued. */
export type Started = {
  /** The local date that it is for. */
  date: string;
  /** The job, at `/v1/jobs/{jobId}`. */
  jobId: string;
};
/** Where a grade stands. */
export type State = "UNGRADED" | "GRADED" | "EXEMPT";
/** Where an enrolment stands. */
export type Status = "PENDING" | "ACTIVE" | "WAITLISTED" | "OFFERED" | "SUSPENDED" | "COMPLETED" | "DROPPED" | "WITHDRAWN" | "CANCELLED" | "EXPIRED" | "REJECTED";
/** A student, with the names of the user that it is. */
export type Student = {
  accommodations?: Accommodations | null;
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
/** What the attendance of a student comes to. */
export type StudentAttendance = {
  /** Class by class; those in which nobody has marked the student are left out. */
  items: Array<StudentClass>;
  /** The student. */
  studentId: string;
};
/** What it comes to in one class. */
export type StudentClass = {
  /** The class's code. */
  classCode: string;
  /** The class. */
  classId: string;
  /** Marks whose code counts. */
  counted: number;
  /** Marks. */
  marked: number;
  /** What these count as, in all. */
  present: number;
  /** The part of `counted` that is `present`, to 4 decimals; null where nothing counts. */
  rate?: number | null;
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
/** What became of an attempt. */
export type Submission = {
  /** The assessment. */
  assessmentId: string;
  /** Which attempt it is, from 1. */
  attempt: number;
  /** The class. */
  classId: string;
  /** When it was made. */
  createdAt: string;
  /** When it is handed in by itself. */
  deadlineAt?: string | null;
  /** When it was graded. */
  gradedAt?: string | null;
  /** The version of the grader. */
  graderVersion?: string | null;
  /** Its id, which is the attempt's. */
  id: string;
  /** Points that lateness took. */
  lateDeduction?: string | null;
  /** Points that there were to get. */
  possible?: string | null;
  /** Points of its items, before lateness. */
  rawScore?: string | null;
  /** Whether its student sees points. */
  released: boolean;
  /** When it was given back. */
  returnedAt?: string | null;
  /** Raised by every change. */
  rowVersion: number;
  /** Points that are left; null until every item has its points, and to its student until they are released. */
  score?: string | null;
  /** When it was begun. */
  startedAt: string;
  /** Where it stands. */
  status: SubmissionStatus;
  /** The student. */
  studentId: string;
  /** When it was handed in. */
  submittedAt?: string | null;
  /** STUDENT or DEADLINE. */
  submittedBy?: string | null;
  /** When it was changed last. */
  updatedAt: string;
};
export type SubmissionPage = {
  items: Array<Submission>;
  limit: number;
  nextCursor?: string;
  page?: number;
  total?: number;
  totalPages?: number;
};
/** Where an attempt stands. */
export type SubmissionStatus = "IN_PROGRESS" | "SUBMITTED" | "IN_REVIEW" | "GRADED" | "RETURNED";
/** An attempt that was handed in. */
export type Submitted = {
  /** Its id, which is the submission's. */
  id: string;
  /** The proof of it. */
  receipt: Receipt;
  /** Raised by every change. */
  rowVersion: number;
  /** Where it stands. */
  status: SubmissionStatus;
  /** STUDENT, or DEADLINE where it was handed in from the last save. */
  submittedBy: string;
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
/** A text that is accepted, or texts. */
export type TextAnswer = {
  /** The part of the points; 1 where absent. */
  fraction?: string;
  /** A regular expression that the whole text matches; without back references and looking around. */
  pattern?: string | null;
  /** The text; with a pattern, one that it matches. */
  text: string;
};
/** What a tolerance is. */
export type ToleranceType = "ABSOLUTE" | "RELATIVE" | "GEOMETRIC";
/** True or false. */
export type TrueFalseBody = {
  /** What is right. */
  answer: boolean;
  /** The part of the points that the other one is worth; 0 where absent. */
  wrongFraction?: string;
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
  /** Grades that were given. */
  graded: number;
  /** Its id. */
  id: string;
  /** Enrolments that began. */
  joined: number;
  /** Their mean percent, to 4 decimals; null of none. */
  meanPercent?: number | null;
  /** Their percents together, so that weeks and classes can be added up. */
  percentSum: number;
  /** What these count as, in all. */
  present: number;
  /** Raised where a later run found it different. */
  rowVersion: number;
  /** CLASS or INSTITUTION. */
  scope: string;
  /** Sessions that were not cancelled. */
  sessions: number;
  /** What was handed in. */
  submitted: number;
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
    /** Adds a weekly meeting to a class. */
    addClassMeeting: Mutation<{
      /** The class. */
      classId: string;
      /** When it ends, later on the same day. */
      ends: string;
      /** The first day on which it may be held; the term's where absent. */
      from?: string | null;
      /** Where. */
      room?: string | null;
      /** When it begins, on the class's own clock. */
      starts: string;
      /** The last day; the term's where absent. */
      until?: string | null;
      /** The day of the week. */
      weekday: "MON" | "TUE" | "WED" | "THU" | "FRI" | "SAT" | "SUN";
    }, ClassMeeting>;
    /** Puts a user on the staff of a class: 201, 200 where it is there already. */
    addClassStaff: Mutation<{
      /** The class. */
      classId: string;
      /** The user. */
      userId: string;
    }, ClassStaff>;
    /** Has a course demand another: 201, 200 where it does already. */
    addPrerequisite: Mutation<{
      /** The course that is to demand it. */
      courseId: string;
      /** The course to be completed before. */
      prerequisiteId: string;
    }, Prerequisite>;
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
      /** The clock that its hours are of, such as Europe/London; the institution's where absent. */
      timezone?: string | null;
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
    /** Stores a curriculum template under its code and version: 201, 200 where it is there. */
    createCurriculumTemplate: Mutation<{
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
    }, CurriculumTemplate>;
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
      accommodations?: Accommodations | null;
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
    /** Deletes a meeting; sessions that are there stay. */
    deleteClassMeeting: Mutation<{
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
      overrides?: Overrides | null;
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
    /** Gives a meeting. */
    getClassMeeting: Query<{
      /** Its id. */
      id: string;
    }, ClassMeeting>;
    /** Gives a course. */
    getCourse: Query<{
      /** Its id. */
      id: string;
    }, Course>;
    /** Gives a curriculum. */
    getCurriculum: Query<{
      /** Its id. */
      id: string;
    }, ProgramCurriculum>;
    /** Gives a stored curriculum template. */
    getCurriculumTemplate: Query<{
      /** Its id. */
      id: string;
    }, CurriculumTemplate>;
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
    /** Gives a student; to students themselves, and to guardians those for whom they answer. */
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
    /** Lists when a class meets; to students who are in it. */
    listClassMeetings: Query<{
      /** only those whose classId equals it */
      classId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, classId, weekday, starts, ends, room, from, until, timezone, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
    }, ClassMeetingPage>;
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
      /** comma-separated: id, courseId, termId, code, title, status, capacity, seatsTaken, waitlistCapacity, offerHours, timezone, source, externalId, rowVersion, createdAt, updatedAt */
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
    /** Lists the curricula of a program. */
    listCurricula: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** only those whose programId equals it */
      programId: string;
      /** comma-separated: id, programId, version, templateCode, templateVersion, creditsRequired, items, rowVersion, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, version, createdAt */
      sort?: string;
      /** only those whose version equals it */
      version?: string;
    }, ProgramCurriculumPage>;
    /** Lists stored curriculum templates. */
    listCurriculumTemplates: Query<{
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, code, version, body, rowVersion, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, code, version, createdAt */
      sort?: string;
      /** only those whose version equals it */
      version?: string;
    } | void, CurriculumTemplatePage>;
    /** Lists what a course demands to be completed before. */
    listPrerequisites: Query<{
      count?: "exact" | "none";
      /** only those whose courseId equals it */
      courseId: string;
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, courseId, prerequisiteId, prerequisiteCode, rowVersion, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, prerequisiteCode, createdAt */
      sort?: string;
    }, PrerequisitePage>;
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
    /** Lists students; students see themselves, guardians those for whom they answer. */
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
      /** comma-separated: id, userId, studentNo, givenName, familyName, email, programId, cohortYear, standing, accommodations, source, externalId, rowVersion, createdAt, updatedAt */
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
    /** Says what a template would make, with the refusals of createProgram; writes nothing. */
    previewCurriculumTemplate: Mutation<{
      /** A template, or `{code, version}` of a stored one. */
      curriculumTemplate: TemplateSource;
      /** Terms in a year. */
      termsPerYear?: number;
    }, Preview>;
    /** Takes a user off the staff of a class. */
    removeClassStaff: Mutation<{
      /** The class. */
      classId: string;
      /** The user. */
      userId: string;
    }, null>;
    /** Has a course not demand another any more. */
    removePrerequisite: Mutation<{
      /** The course that demands it. */
      courseId: string;
      /** The course to be completed before. */
      prerequisiteId: string;
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
      /** Another clock, or the institution's; sessions that are there stay as they are. */
      timezone?: string | null;
      /** A new title. */
      title?: string | null;
      /** Another number of places on the waitlist; those who wait already stay. */
      waitlistCapacity?: number | null;
    }, Class>;
    /** Changes a meeting; sessions that are there stay. */
    updateClassMeeting: Mutation<{
      /** Another end. */
      ends?: string | null;
      /** Another first day, or the term's. */
      from?: string | null;
      /** Which one. */
      id: string;
      /** Another room, or none. */
      room?: string | null;
      /** Another beginning. */
      starts?: string | null;
      /** Another last day, or the term's. */
      until?: string | null;
      weekday?: Day | null;
    }, ClassMeeting>;
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
      accommodations?: Accommodations | null;
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
    /** Lets a user answer for a student. */
    createGuardianLink: Mutation<{
      /** The first day on which it counts, in the institution's time zone; from ever where absent. */
      from?: string | null;
      /** The user who answers. */
      guardianId: string;
      /** What the user is to the student. */
      relationship: "PARENT" | "GUARDIAN" | "SPONSOR" | "OTHER";
      /** The student. */
      studentId: string;
      /** The last day; for good where absent. */
      until?: string | null;
    }, GuardianLink>;
    /** Creates an org unit. */
    createOrgUnit: Mutation<{
      /** Unique in the institution. */
      code: string;
      /** Its id there. */
      externalId?: string | null;
      /** Its name. */
      name: string;
      /** The unit above it; none at the top. */
      parentId?: string | null;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
    }, OrgUnit>;
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
    /** Ends that a user answers for a student. */
    deleteGuardianLink: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes an org unit that nothing is below and nobody has a role in. */
    deleteOrgUnit: Mutation<{
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
    /** Gives a link of a guardian and a student. */
    getGuardianLink: Query<{
      /** Its id. */
      id: string;
    }, GuardianLink>;
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
    /** Gives an org unit. */
    getOrgUnit: Query<{
      /** Its id. */
      id: string;
    }, OrgUnit>;
    /** Gives a user with its roles; to students and guardians themselves. */
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
    /** Lists who answers for whom. */
    listGuardianLinks: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose guardianId equals it */
      guardianId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** only those whose relationship equals it */
      relationship?: "PARENT" | "GUARDIAN" | "SPONSOR" | "OTHER";
      /** comma-separated: id, guardianId, studentId, relationship, from, until, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
      /** only those whose studentId equals it */
      studentId?: string;
    } | void, GuardianLinkPage>;
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
    /** Lists org units. */
    listOrgUnits: Query<{
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
      /** only those whose parentId equals it */
      parentId?: string;
      /** comma-separated: id, parentId, code, name, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, code, name, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
    } | void, OrgUnitPage>;
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
      /** only those that have it as orgUnitId */
      orgUnitId?: string;
      page?: number;
      /** only those that have it as role */
      role?: "ADMIN" | "STAFF" | "INSTRUCTOR" | "STUDENT" | "GUARDIAN";
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
    /** Changes what a guardian is to a student, or for how long. */
    updateGuardianLink: Mutation<{
      /** Another first day, or none. */
      from?: string | null;
      /** Which one. */
      id: string;
      relationship?: Relationship | null;
      /** Another last day, or none. */
      until?: string | null;
    }, GuardianLink>;
    /** Switches a schedule on or off; what it missed meanwhile is not made up for. */
    updateJobSchedule: Mutation<{
      /** Whether it is to fire. */
      enabled?: boolean | null;
      /** Which one. */
      id: string;
    }, JobSchedule>;
    /** Changes an org unit, or moves it with all that is below it. */
    updateOrgUnit: Mutation<{
      /** A new code. */
      code?: string | null;
      /** Which one. */
      id: string;
      /** A new name. */
      name?: string | null;
      /** Another unit above it, or none; what is below it comes along. */
      parentId?: string | null;
    }, OrgUnit>;
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
  assessment: {
    /** Closes an assessment: what is under way is handed in as it was saved last. */
    closeAssessment: Mutation<{
      /** Its id. */
      id: string;
    }, Assessment>;
    /** Creates an assessment as a draft; with a blueprint, a job makes its materials. */
    createAssessment: Mutation<{
      attemptPolicy?: CountedAttempt | null;
      blueprint?: Blueprint | null;
      /** The category of the class's gradebook. */
      categoryId?: string | null;
      /** The class. */
      classId: string;
      /** Until when it may be sat. */
      closesAt?: string | null;
      /** Whether it counts for totals and progress; it does where absent. */
      counts?: boolean | null;
      /** Later than this is late. */
      dueAt?: string | null;
      /** Its id there. */
      externalId?: string | null;
      /** AUTOMATED or MANUAL. */
      gradingType: GradingType;
      /** What students are told before they begin. */
      instructions?: string | null;
      /** The institution's own word, such as TMA, CMA or EXAM. */
      kind?: string | null;
      /** What lateness costs. */
      latePolicyId?: string | null;
      /** How often it may be sat, 1 to 100; once where absent. */
      maxAttempts?: number | null;
      /** From when it may be begun. */
      opensAt?: string | null;
      /** Points of all, 0 to 1,000,000; 100 where absent. With a blueprint they are the blueprint's. */
      pointsPossible?: string | null;
      releasePolicy?: ReleasePolicy | null;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** The subject of the class that it counts for; all of them where absent. */
      subjectId?: string | null;
      /** How many seconds an attempt may take, up to 30 days. */
      timeLimitSeconds?: number | null;
      /** What it is called. */
      title: string;
    }, Assessment>;
    /** Creates a question with its first version. */
    createQuestion: Mutation<{
      /** The bank that it goes to. */
      bankId: string;
      /** How it is answered, and what is right. */
      body: QuestionBody;
      /** What the values of parameters must fulfil, such as `a != b`. */
      constraints?: Array<string>;
      /** How hard it is; MEDIUM where absent. */
      difficulty?: QuestionDifficulty;
      /** Its id there. */
      externalId?: string | null;
      /** Its parameters, in order: what is derived refers to those before it. */
      parameters?: Array<QuestionParameter>;
      /** Whether choices, and what is to be matched, come in an order of each student's own; so where absent. */
      shuffle?: boolean;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
      /** What is asked, with `{{name}}` where a parameter's value goes, and `[[name]]` where a cloze has a gap. */
      statement: string;
      /** What it is found and drawn by. */
      tags?: Array<string>;
      /** What authors call it; students do not see it. */
      title: string;
    }, QuestionContent & ({
      /** The bank that it is in. */
      bankId: string;
      /** When it was made. */
      createdAt: string;
      /** EASY, MEDIUM or HARD. */
      difficulty: string;
      /** Its id there. */
      externalId?: string | null;
      /** Its id. */
      id: string;
      /** Raised by every change, also by one that makes no version. */
      rowVersion: number;
      /** The system that it came from. */
      source?: string | null;
      /** ACTIVE, or RETIRED: not drawn any more. */
      status: string;
      /** What it is found and drawn by. */
      tags: Array<string>;
      /** What authors call it; students do not see it. */
      title: string;
      /** How it is answered. */
      type: string;
      /** When it was changed last. */
      updatedAt: string;
      /** The number of its newest version, from 1. */
      version: number;
    })>;
    /** Creates a question bank. */
    createQuestionBank: Mutation<{
      /** The course that it is for. */
      courseId?: string | null;
      /** What it is for. */
      description?: string;
      /** Its id there. */
      externalId?: string | null;
      /** Its name. */
      name: string;
      /** The system that it came from; together with `externalId` unique. */
      source?: string | null;
    }, QuestionBank>;
    /** Deletes a draft. */
    deleteAssessment: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Takes away what is different for one student. */
    deleteOverride: Mutation<{
      /** The assessment. */
      assessmentId: string;
      /** The student. */
      studentId: string;
    }, null>;
    /** Deletes a question with its versions; papers that were drawn keep theirs. */
    deleteQuestion: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a question bank in which there is no question. */
    deleteQuestionBank: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Has a draft's materials made anew from what the banks hold now. */
    generateMaterials: Mutation<{
      /** Its id. */
      id: string;
    }, MaterialsView>;
    /** Gives what was saved in an attempt; a student's own. */
    getAnswers: Query<{
      /** Its id. */
      id: string;
    }, SavedAnswers>;
    /** Gives an assessment. */
    getAssessment: Query<{
      /** Its id. */
      id: string;
    }, Assessment>;
    /** Gives an attempt with its paper and what was saved; a student's own. */
    getAttempt: Query<{
      /** Its id. */
      id: string;
    }, Attempt>;
    /** Gives blueprint, hash and state of an assessment's materials; no key. */
    getMaterials: Query<{
      /** Its id. */
      id: string;
    }, MaterialsView>;
    /** Gives a question with its key. */
    getQuestion: Query<{
      /** Its id. */
      id: string;
    }, QuestionContent & ({
      /** The bank that it is in. */
      bankId: string;
      /** When it was made. */
      createdAt: string;
      /** EASY, MEDIUM or HARD. */
      difficulty: string;
      /** Its id there. */
      externalId?: string | null;
      /** Its id. */
      id: string;
      /** Raised by every change, also by one that makes no version. */
      rowVersion: number;
      /** The system that it came from. */
      source?: string | null;
      /** ACTIVE, or RETIRED: not drawn any more. */
      status: string;
      /** What it is found and drawn by. */
      tags: Array<string>;
      /** What authors call it; students do not see it. */
      title: string;
      /** How it is answered. */
      type: string;
      /** When it was changed last. */
      updatedAt: string;
      /** The number of its newest version, from 1. */
      version: number;
    })>;
    /** Gives a question bank. */
    getQuestionBank: Query<{
      /** Its id. */
      id: string;
    }, QuestionBank>;
    /** Gives the signed receipt of a submission. */
    getReceipt: Query<{
      /** Its id. */
      id: string;
    }, Receipt>;
    /** Gives a regrade, and how far it is. */
    getRegrade: Query<{
      /** The assessment. */
      assessmentId: string;
      /** The regrade. */
      regradeId: string;
    }, Regrade>;
    /** Gives a submission with paper, answers and points; a student's own, as far as it is released. */
    getSubmission: Query<{
      /** Its id. */
      id: string;
    }, Submission & ({
      /** What was answered, by item. */
      answers: { [member: string]: unknown };
      /** What each item is worth, in the order of the paper; none to its student before release. */
      items: Array<ItemScore>;
      /** What was right, as it was corrected since; null until the assessment is closed and released. */
      key?: { [member: string]: unknown } | null;
      /** What was asked. */
      paper: Paper;
    })>;
    /** Lists assessments: an instructor's classes', a student's without drafts. */
    listAssessments: Query<{
      /** only those whose classId equals it */
      classId?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those at it and after it */
      dueFrom?: string;
      /** only those at it and before it */
      dueTo?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose gradingType equals it */
      gradingType?: "AUTOMATED" | "MANUAL";
      /** only those whose id equals it */
      id?: string;
      /** only those whose kind equals it */
      kind?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, classId, subjectId, title, instructions, kind, gradingType, status, pointsPossible, opensAt, dueAt, closesAt, timeLimitSeconds, maxAttempts, attemptPolicy, categoryId, latePolicyId, releasePolicy, releasedAt, counts, revision, materialsStatus, publishedAt, closedAt, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, title, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose status equals it */
      status?: "DRAFT" | "PUBLISHED" | "CLOSED";
      /** only those whose subjectId equals it */
      subjectId?: string;
    } | void, AssessmentPage>;
    /** Lists what is different for single students. */
    listOverrides: Query<{
      /** only those whose assessmentId equals it */
      assessmentId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, assessmentId, studentId, opensAt, dueAt, closesAt, extraTimePercent, extraAttempts, note, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
      /** only those whose studentId equals it */
      studentId?: string;
    }, AssessmentOverridePage>;
    /** Lists question banks. */
    listQuestionBanks: Query<{
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
      /** only those whose name equals it */
      name?: string;
      page?: number;
      /** comma-separated: id, name, description, courseId, activeQuestions, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, name, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
    } | void, QuestionBankPage>;
    /** Lists the versions of a question. */
    listQuestionVersions: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      page?: number;
      /** only those whose questionId equals it */
      questionId: string;
      /** comma-separated: id, questionId, version, type, title, difficulty, tags, statement, shuffle, parameters, constraints, body, editedBy, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, version, createdAt */
      sort?: string;
      /** only those whose version equals it */
      version?: string;
    }, QuestionVersionPage>;
    /** Lists questions with their keys. */
    listQuestions: Query<{
      /** only those whose bankId equals it */
      bankId?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose difficulty equals it */
      difficulty?: "EASY" | "MEDIUM" | "HARD";
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, bankId, status, version, type, title, difficulty, tags, statement, shuffle, parameters, constraints, body, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, type, title, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose status equals it */
      status?: "ACTIVE" | "RETIRED";
      /** only those that have it as tag */
      tag?: string;
      /** only those whose title equals it */
      title?: string;
      /** only those whose type equals it */
      type?: "SINGLE" | "TRUE_FALSE" | "MULTIPLE" | "NUMERIC" | "SHORT_TEXT" | "MATCHING" | "ORDERING" | "CLOZE" | "ESSAY" | "FILE";
    } | void, QuestionPage>;
    /** Lists the regrades of an assessment, and how far they are. */
    listRegrades: Query<{
      /** only those whose assessmentId equals it */
      assessmentId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, assessmentId, number, fullCredit, askedBy, examined, changed, finishedAt, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, number, createdAt */
      sort?: string;
    }, RegradePage>;
    /** Lists submissions: an instructor's classes', a student's own. */
    listSubmissions: Query<{
      /** only those whose assessmentId equals it */
      assessmentId?: string;
      /** only those whose attempt equals it */
      attempt?: string;
      /** only those whose classId equals it */
      classId?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, assessmentId, classId, studentId, attempt, status, startedAt, deadlineAt, submittedAt, submittedBy, rawScore, possible, lateDeduction, score, released, graderVersion, gradedAt, returnedAt, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, attempt, startedAt, createdAt */
      sort?: string;
      /** only those whose status equals it */
      status?: "IN_PROGRESS" | "SUBMITTED" | "IN_REVIEW" | "GRADED" | "RETURNED";
      /** only those whose studentId equals it */
      studentId?: string;
    } | void, SubmissionPage>;
    /** Shows a question as a student might see it, with answers that get all points. */
    previewQuestion: Query<{
      /** Which one. */
      id: string;
      /** Another number, other values; 0 where absent. */
      sample?: number;
    }, QuestionPreview>;
    /** Publishes a draft, once 100 sample papers were drawn and graded. */
    publishAssessment: Mutation<{
      /** Its id. */
      id: string;
    }, Assessment>;
    /** Grades all submissions anew by the newest versions of their questions; or says what that would change. */
    regradeAssessment: Mutation<{
      /** Of a dry run: `next` of the one before. */
      after?: string | null;
      /** Whether only to say what would change. */
      dryRun: boolean;
      /** Questions of the assessment for which everybody gets full points, 100 at most. */
      fullCredit?: Array<string>;
      /** The assessment. */
      id: string;
    }, RegradeAnswer>;
    /** Releases scores to students, and once it is closed the key. */
    releaseAssessment: Mutation<{
      /** Its id. */
      id: string;
    }, Assessment>;
    /** Gives a graded submission back to its student, who sees its points from then on. */
    returnSubmission: Mutation<{
      /** Its id. */
      id: string;
    }, Submission>;
    /** Keeps all answers of an attempt in the place of those before; the student's own. */
    saveAnswers: Mutation<{
      /** All of them, by item of the paper: 256 KiB of JSON at most. */
      answers: { [member: string]: unknown };
      /** The attempt. */
      id: string;
    }, SavedAnswers>;
    /** Gives points to items; when all have theirs, the submission is graded. */
    scoreItems: Mutation<{
      /** The submission. */
      id: string;
      /** 1 to 500 items, each once. */
      items: Array<GivePoints>;
    }, Submission & ({
      /** What was answered, by item. */
      answers: { [member: string]: unknown };
      /** What each item is worth, in the order of the paper; none to its student before release. */
      items: Array<ItemScore>;
      /** What was right, as it was corrected since; null until the assessment is closed and released. */
      key?: { [member: string]: unknown } | null;
      /** What was asked. */
      paper: Paper;
    })>;
    /** Sets windows, extra time and extra attempts of one student. */
    setOverride: Mutation<{
      /** The assessment. */
      assessmentId: string;
      /** Until when it may be sat; as for all where absent. */
      closesAt?: string | null;
      /** Later than this is late; as for all where absent. */
      dueAt?: string | null;
      /** Attempts beyond those of all, 0 to 100. */
      extraAttempts?: number | null;
      /** How much longer the time limit is, 0 to 300 percent. */
      extraTimePercent?: number | null;
      /** Why. */
      note?: string | null;
      /** From when it may be begun; as for all where absent. */
      opensAt?: string | null;
      /** The student, who is in the class. */
      studentId: string;
    }, AssessmentOverride>;
    /** Begins an attempt of the student who asks: 201, 200 with the one that is under way. */
    startAttempt: Mutation<{
      /** The assessment. */
      assessmentId: string;
    }, Attempt>;
    /** Hands an attempt in, with final answers (If-Match is demanded then) or as it was saved; gives a receipt. */
    submitAssessment: Mutation<{
      /** The final answers; those that were saved last where absent. */
      answers?: { [member: string]: unknown } | null;
      /** The attempt. */
      id: string;
    }, Submitted>;
    /** Changes an assessment; what students were promised, while it is a draft. */
    updateAssessment: Mutation<{
      attemptPolicy?: CountedAttempt | null;
      blueprint?: Blueprint | null;
      /** Another category of the class's gradebook, or none. */
      categoryId?: string | null;
      /** Until when it may be sat; attempts that are under way go by it, too. */
      closesAt?: string | null;
      /** Whether it counts. */
      counts?: boolean | null;
      /** Later than this is late. */
      dueAt?: string | null;
      gradingType?: GradingType | null;
      /** Which one. */
      id: string;
      /** Other instructions, or none. */
      instructions?: string | null;
      /** Another word for it, or none. */
      kind?: string | null;
      /** What lateness costs, or nothing. */
      latePolicyId?: string | null;
      /** How often it may be sat. */
      maxAttempts?: number | null;
      /** From when it may be begun. */
      opensAt?: string | null;
      /** Other points, where there is no blueprint; of a draft. */
      pointsPossible?: string | null;
      releasePolicy?: ReleasePolicy | null;
      /** Another subject of the class, or all. */
      subjectId?: string | null;
      /** Another time limit, or none; attempts that are under way go by it, too. */
      timeLimitSeconds?: number | null;
      /** Another title. */
      title?: string | null;
    }, Assessment>;
    /** Changes a question; a new version where more than its bank and status change. */
    updateQuestion: Mutation<{
      /** Another bank. */
      bankId?: string | null;
      body?: QuestionBody | null;
      /** Other constraints. */
      constraints?: Array<string> | null;
      difficulty?: QuestionDifficulty | null;
      /** Which one. */
      id: string;
      /** Other parameters. */
      parameters?: Array<QuestionParameter> | null;
      /** Whether it is shuffled. */
      shuffle?: boolean | null;
      /** Another statement. */
      statement?: string | null;
      /** ACTIVE, or RETIRED: not drawn any more. */
      status?: string | null;
      /** Other tags. */
      tags?: Array<string> | null;
      /** Another title. */
      title?: string | null;
    }, QuestionContent & ({
      /** The bank that it is in. */
      bankId: string;
      /** When it was made. */
      createdAt: string;
      /** EASY, MEDIUM or HARD. */
      difficulty: string;
      /** Its id there. */
      externalId?: string | null;
      /** Its id. */
      id: string;
      /** Raised by every change, also by one that makes no version. */
      rowVersion: number;
      /** The system that it came from. */
      source?: string | null;
      /** ACTIVE, or RETIRED: not drawn any more. */
      status: string;
      /** What it is found and drawn by. */
      tags: Array<string>;
      /** What authors call it; students do not see it. */
      title: string;
      /** How it is answered. */
      type: string;
      /** When it was changed last. */
      updatedAt: string;
      /** The number of its newest version, from 1. */
      version: number;
    })>;
    /** Changes a question bank. */
    updateQuestionBank: Mutation<{
      /** Another course, or none. */
      courseId?: string | null;
      /** What it is for. */
      description?: string | null;
      /** Which one. */
      id: string;
      /** Another name. */
      name?: string | null;
    }, QuestionBank>;
    /** Says whether a receipt is the institution's own, and of the answers that are kept. */
    verifyReceipt: Mutation<{
      /** The submission. */
      id: string;
      /** The receipt, as it was given. */
      receipt: Receipt;
    }, ReceiptVerdict>;
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
      /** Its day, on the class's own calendar. */
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
    /** Makes the attendance sessions of a class from its timetable: 201, 200 where all are there. */
    generateSessions: Mutation<{
      /** The class. */
      classId: string;
      /** The first day; the timetable's where absent. */
      from?: string | null;
      /** The last day; the timetable's where absent. */
      until?: string | null;
    }, GeneratedSessions>;
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
      /** only those whose classId equals it */
      classId?: string;
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose date equals it */
      date?: string;
      /** only those at it and after it */
      from?: string;
      limit?: number;
      /** only those whose method equals it */
      method?: "MARKED" | "CHECK_IN";
      page?: number;
      /** comma-separated: id, sessionId, classId, date, studentId, enrollmentId, code, note, method, markedBy, rowVersion, createdAt, updatedAt */
      select?: string;
      /** only those whose sessionId equals it */
      sessionId: string;
      /** comma-separated, - for descending: id, date, code, createdAt */
      sort?: string;
      /** only those whose studentId equals it */
      studentId?: string;
      /** only those at it and before it */
      to?: string;
    }, AttendanceRecordPage>;
    /** Lists marks: students see their own, guardians those of whom they answer for, instructors by classId. */
    listRecordsOfStudents: Query<{
      /** only those whose classId equals it */
      classId?: string;
      /** only those whose code equals it */
      code?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose date equals it */
      date?: string;
      /** only those at it and after it */
      from?: string;
      limit?: number;
      /** only those whose method equals it */
      method?: "MARKED" | "CHECK_IN";
      page?: number;
      /** comma-separated: id, sessionId, classId, date, studentId, enrollmentId, code, note, method, markedBy, rowVersion, createdAt, updatedAt */
      select?: string;
      /** only those whose sessionId equals it */
      sessionId?: string;
      /** comma-separated, - for descending: id, date, code, createdAt */
      sort?: string;
      /** only those whose studentId equals it */
      studentId?: string;
      /** only those at it and before it */
      to?: string;
    } | void, AttendanceRecordPage>;
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
      /** only those whose meetingId equals it */
      meetingId?: string;
      page?: number;
      /** comma-separated: id, classId, date, startsAt, endsAt, title, status, meetingId, checkInUntil, rowVersion, createdAt, updatedAt */
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
    /** Gives what the attendance of a student comes to, class by class. */
    studentStats: Query<{
      /** The student. */
      studentId: string;
    }, StudentAttendance>;
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
    /** Gives an enrolment; to students their own. */
    get: Query<{
      /** Its id. */
      id: string;
    }, Enrollment>;
    /** Lists enrolments; students see their own, guardians those of whom they answer for. */
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
    /** Lists what became of an enrolment, who did it, why, and what was passed over. */
    listHistory: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose enrollmentId equals it */
      enrollmentId: string;
      limit?: number;
      page?: number;
      /** comma-separated: id, enrollmentId, fromStatus, toStatus, effectiveOn, actorId, reason, overrode, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
    }, EnrollmentEventPage>;
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
    /** Takes an enrolment into the class out of turn, or out of it past a deadline, with a reason. */
    override: Mutation<{
      /** The day from which it counts; today where absent. */
      effectiveDate?: string | null;
      /** Which one. */
      id: string;
      /** Why, for the record. */
      reason: string;
      /** Where to. */
      to: "ACTIVE" | "DROPPED" | "WITHDRAWN";
    }, Enrollment>;
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
  gradebook: {
    /** Gives, changes, exempts or clears up to 1,000 grades of a class, with a status for each. */
    bulkGrades: Mutation<{
      /** Whether one refused row refuses all. */
      atomic?: boolean;
      /** The class. */
      classId: string;
      /** 1 to 1,000; each is judged on its own. */
      items: Array<BulkGrade>;
      /** Whether students are told; true where absent. What is old need not be told. */
      notify?: boolean;
      /** Why, for the history of each grade. */
      reason?: string | null;
    }, BulkAnswer>;
    /** Takes up to 1,000 results of a class from another system, with a status for each. */
    bulkResults: Mutation<{
      /** Whether one refused row refuses all. */
      atomic?: boolean;
      /** The class. */
      classId: string;
      /** 1 to 1,000; each is judged on its own. */
      items: Array<BulkResult>;
      /** Whether students are told; true where absent. What is old need not be told. */
      notify?: boolean;
    }, BulkAnswer>;
    /** Gives what the grades of a class come to, assessment by assessment. */
    classStats: Query<{
      /** The class. */
      classId: string;
    }, ClassGradeStats>;
    /** Creates a category of a class: its weight, and how many are dropped. */
    createCategory: Mutation<{
      /** The class. */
      classId: string;
      /** How many of the highest are left out, 0 to 50. */
      dropHighest?: number;
      /** How many of the lowest are left out, 0 to 50. */
      dropLowest?: number;
      /** Its id there. */
      externalId?: string | null;
      /** Unique in the class. */
      name: string;
      /** Its place among them, 0 to 10,000. */
      position?: number;
      /** The system that it comes from; together with `externalId` unique. */
      source?: string | null;
      /** What it weighs, 0 to 1000. */
      weight: string;
    }, GradingCategory>;
    /** Creates a late policy of a class, or for every class, which is for admin and staff. */
    createLatePolicy: Mutation<{
      /** The class; for every class where absent, which is for admin and staff. */
      classId?: string | null;
      /** Percent below which nothing is deducted, 0 to 100. */
      floorPercent?: string;
      /** HOUR or DAY. */
      interval: LateInterval;
      /** Its name. */
      name: string;
      /** Percent of what is possible, for each interval, 0 to 100. */
      ratePercent: string;
    }, LatePolicy>;
    /** Creates a scale of a class, or of the institution, which is for admin and staff. */
    createScale: Mutation<{
      /** What percents are called: 1 to 50 bands, of which one begins at 0. */
      bands: Array<ScaleBand>;
      /** The class, which has no other; the institution's where absent, which is for admin and staff. */
      classId?: string | null;
      /** The lowest percent that is a distinction, from `passMark` to 100; none where absent. */
      distinctionMark?: string | null;
      /** Whether classes without a scale of their own go by it; the one before does not any more. */
      isDefault?: boolean;
      /** Its name. */
      name: string;
      /** The lowest percent that passes, 0 to 100. */
      passMark: string;
    }, GradeScale>;
    /** Deletes a category that no assessment is in. */
    deleteCategory: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a late policy that no assessment goes by. */
    deleteLatePolicy: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Deletes a scale; results that are final stay. */
    deleteScale: Mutation<{
      /** Its id. */
      id: string;
    }, null>;
    /** Makes what the grades of a class come to its students' results, and completes their enrolments. */
    finalizeResults: Mutation<{
      /** The class. */
      classId: string;
      /** Whether students are told; true where absent. */
      notify?: boolean;
      /** Only these students, 1 to 5,000; everybody in the class where absent. */
      studentIds?: Array<string> | null;
      /** Whether what is not graded counts as 0; without it, it refuses the call. */
      ungradedAsZero?: boolean;
    }, Finalized>;
    /** Gives a page of a class's gradebook: students by assessments, with their totals. */
    get: Query<{
      /** The class. */
      classId: string;
      /** Students of a page, 1 to 200. */
      limit?: number;
      /** The page, from 1; pages reach 10,000 students. */
      page?: number;
      /** Only those whose enrolment is ACTIVE, SUSPENDED, COMPLETED, DROPPED or WITHDRAWN; the first three where absent. */
      status?: string | null;
      /** Only this student. */
      studentId?: string | null;
    }, Gradebook>;
    /** Gives a category. */
    getCategory: Query<{
      /** Its id. */
      id: string;
    }, GradingCategory>;
    /** Gives a grade. */
    getGrade: Query<{
      /** Its id. */
      id: string;
    }, Grade>;
    /** Gives a late policy. */
    getLatePolicy: Query<{
      /** Its id. */
      id: string;
    }, LatePolicy>;
    /** Gives a student's own grades of a class, as far as they are released, with their totals. */
    getOwn: Query<{
      /** The class. */
      classId: string;
      /** Of those for whom the caller answers, this one. */
      studentId?: string | null;
    }, OwnGradebook>;
    /** Gives a result; a student's own. */
    getResult: Query<{
      /** Its id. */
      id: string;
    }, ClassResult>;
    /** Gives a scale. */
    getScale: Query<{
      /** Its id. */
      id: string;
    }, GradeScale>;
    /** Lists the categories of a class. */
    listCategories: Query<{
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
      /** comma-separated: id, classId, name, weight, dropLowest, dropHighest, position, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, name, position, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
    }, GradingCategoryPage>;
    /** Lists the changes of a grade: who, from what to what, and why. */
    listGradeHistory: Query<{
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose gradeId equals it */
      gradeId: string;
      /** only those whose kind equals it */
      kind?: "GIVEN" | "CHANGED" | "RELEASED" | "KEPT";
      limit?: number;
      page?: number;
      /** comma-separated: id, gradeId, kind, before, after, actorId, reason, gradeVersion, createdAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
    }, GradeEventPage>;
    /** Lists the grades of a class. */
    listGrades: Query<{
      /** only those whose assessmentId equals it */
      assessmentId?: string;
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
      /** only those whose origin equals it */
      origin?: "MANUAL" | "AUTOMATED";
      page?: number;
      /** only those whose released equals it */
      released?: "true" | "false";
      /** comma-separated: id, classId, assessmentId, studentId, state, score, possible, lateDeduction, origin, submissionId, submittedAt, gradedAt, gradedBy, releasedAt, note, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose state equals it */
      state?: "UNGRADED" | "GRADED" | "EXEMPT";
      /** only those whose studentId equals it */
      studentId?: string;
    }, GradePage>;
    /** Lists late policies: those for every class, and those of classes. */
    listLatePolicies: Query<{
      /** only those whose classId equals it */
      classId?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      /** only those whose name equals it */
      name?: string;
      page?: number;
      /** comma-separated: id, classId, name, ratePercent, interval, floorPercent, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, name, createdAt */
      sort?: string;
    } | void, LatePolicyPage>;
    /** Lists the results of a class. */
    listResults: Query<{
      /** only those whose classId equals it */
      classId: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose enrollmentId equals it */
      enrollmentId?: string;
      /** only those whose externalId equals it */
      externalId?: string;
      /** only those whose id equals it */
      id?: string;
      limit?: number;
      /** only those whose outcome equals it */
      outcome?: "PASS" | "DISTINCTION" | "FAIL" | "WITHDRAWN" | "EXEMPT" | "INCOMPLETE";
      page?: number;
      /** comma-separated: id, classId, enrollmentId, studentId, state, percent, letter, outcome, finalizedAt, finalizedBy, reason, source, externalId, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, finalizedAt, createdAt */
      sort?: string;
      /** only those whose source equals it */
      source?: string;
      /** only those whose state equals it */
      state?: "FINAL" | "REOPENED";
      /** only those whose studentId equals it */
      studentId?: string;
    }, ClassResultPage>;
    /** Lists scales: the institution's, and those of classes. */
    listScales: Query<{
      /** only those whose classId equals it */
      classId?: string;
      count?: "exact" | "none";
      /** nextCursor of the page before; replaces page */
      cursor?: string;
      /** only those whose id equals it */
      id?: string;
      /** only those whose isDefault equals it */
      isDefault?: "true" | "false";
      limit?: number;
      /** only those whose name equals it */
      name?: string;
      page?: number;
      /** comma-separated: id, classId, name, bands, passMark, distinctionMark, isDefault, rowVersion, createdAt, updatedAt */
      select?: string;
      /** comma-separated, - for descending: id, name, createdAt */
      sort?: string;
    } | void, GradeScalePage>;
    /** Reopens a final result, so that grades may change again; says why. */
    reopenResult: Mutation<{
      /** Which one. */
      id: string;
      /** Why; it is kept. */
      reason: string;
    }, ClassResult>;
    /** Changes a category; results that are final stay. */
    updateCategory: Mutation<{
      /** How many of the highest are left out, 0 to 50. */
      dropHighest?: number | null;
      /** How many of the lowest are left out, 0 to 50. */
      dropLowest?: number | null;
      /** Which one. */
      id: string;
      /** A new name. */
      name?: string | null;
      /** Its place among them, 0 to 10,000. */
      position?: number | null;
      /** Another weight, 0 to 1000. */
      weight?: string | null;
    }, GradingCategory>;
    /** Changes, exempts or clears a grade by hand; no automatic one takes its place. */
    updateGrade: Mutation<{
      /** Which one. */
      id: string;
      /** Points that lateness takes; by the late policy, where there is one and it is known when the work was handed in, if absent. */
      lateDeduction?: string | null;
      /** A remark, or none. */
      note?: string | null;
      /** Why, for the history. */
      reason?: string | null;
      /** Points before any late deduction; null clears the grade. */
      score?: string | null;
      state?: State | null;
      /** When the work was handed in. */
      submittedAt?: string | null;
    }, Grade>;
    /** Changes a late policy; grades that were given stay. */
    updateLatePolicy: Mutation<{
      /** Percent below which nothing is deducted, 0 to 100. */
      floorPercent?: string | null;
      /** Which one. */
      id: string;
      interval?: LateInterval | null;
      /** A new name. */
      name?: string | null;
      /** Percent of what is possible, for each interval, 0 to 100. */
      ratePercent?: string | null;
    }, LatePolicy>;
    /** Changes a scale; results that are final stay. */
    updateScale: Mutation<{
      /** All bands anew: 1 to 50, of which one begins at 0. */
      bands?: Array<ScaleBand> | null;
      /** The lowest percent that is a distinction, or that there are none. */
      distinctionMark?: string | null;
      /** Which one. */
      id: string;
      /** Whether classes without a scale of their own go by it. */
      isDefault?: boolean | null;
      /** A new name. */
      name?: string | null;
      /** The lowest percent that passes, 0 to 100. */
      passMark?: string | null;
    }, GradeScale>;
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
      /** comma-separated: id, month, activeStudents, activeClasses, enrollmentsMade, enrollmentsDropped, enrollmentsCompleted, completionRate, sessions, counted, present, attendanceRate, submitted, graded, percentSum, meanPercent, rowVersion, createdAt, updatedAt */
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
      /** comma-separated: id, weekStart, scope, classId, enrolled, joined, dropped, sessions, counted, present, attendanceRate, submitted, graded, percentSum, meanPercent, rowVersion, createdAt, updatedAt */
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
