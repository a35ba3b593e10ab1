//! The rows that every caller is asked about, the callers, and the way back to them after each write.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use service_kit::clock;
use service_kit::token::Role;
use sqlx::{AssertSqlSafe, Executor, PgPool};
use uuid::Uuid;

use crate::support::api::Client;
use crate::support::school::School;

/// Who asks, in the order of the table's columns.
pub(super) const CALLERS: [&str; 9] = [
    "admin",
    "staff",
    "instructor",
    "other-instructor",
    "student",
    "other-student",
    "guardian",
    "other-guardian",
    "client",
];

/// An institution with one of everything.
pub(super) struct World {
    pub(super) school: School,
    pub(super) clients: BTreeMap<&'static str, Client>,
    /// By what paths call them; things that an operation needs for itself have names of their own.
    pub(super) things: BTreeMap<&'static str, Uuid>,
    /// With which students check in now.
    pub(super) code: String,
    superuser: PgPool,
}

impl World {
    pub(super) async fn open() -> Self {
        let school = School::open().await;
        let superuser = school.shard.pool("postgres", 1);
        let (clients, things) = (BTreeMap::new(), BTreeMap::new());
        let mut world = Self { school, clients, things, code: String::new(), superuser };
        world.people().await;
        world.catalogue().await;
        world.enrollments().await;
        world.attendance().await;
        world.gradebook().await;
        world.assessments().await;
        world.platform().await;
        world.keep().await;
        world
    }

    pub(super) async fn close(self) {
        self.superuser.close().await;
        self.school.close().await;
    }

    pub(super) fn id(&self, name: &str) -> Uuid {
        *self.things.get(name).unwrap_or_else(|| panic!("the world has no `{name}`"))
    }

    fn put(&mut self, name: &'static str, id: Uuid) -> Uuid {
        self.things.insert(name, id);
        id
    }

    /// Makes something as the admin.
    async fn make(&mut self, name: &'static str, path: &str, body: Value) -> Uuid {
        let id = self.school.admin.post(path, body).await.expect(201).id();
        self.put(name, id)
    }

    async fn people(&mut self) {
        let users = [
            ("staff", Role::Staff),
            ("instructor", Role::Instructor),
            ("other-instructor", Role::Instructor),
            ("guardian", Role::Guardian),
            ("other-guardian", Role::Guardian),
        ];
        self.clients.insert("admin", self.school.admin.clone());
        for (name, role) in users {
            let user = self.school.user(name, json!([])).await;
            self.put(name, user);
            self.clients.insert(name, self.school.as_user(role, user));
        }
        let client = self.school.served.client(self.school.institution, Role::ApiClient, None);
        self.clients.insert("client", client);
        for (caller, name, guardian) in [
            ("student", "students", "guardian"),
            ("other-student", "other-students", "other-guardian"),
        ] {
            let (student, user) = self.school.student(name).await;
            self.put(name, student);
            self.put(caller, user);
            self.clients.insert(caller, self.school.as_user(Role::Student, user));
            let link = json!({"guardianId": self.id(guardian), "studentId": student, "relationship": "PARENT"});
            self.make("guardian-links", "/v1/guardian-links", link).await;
        }
        let (idle, _) = self.school.student("idle").await;
        self.put("idle-student", idle);
        let plain = self.school.user("plain", json!([])).await;
        self.put("users", plain);
        self.make("org-units", "/v1/org-units", json!({"code": "U", "name": "U"})).await;
    }

    async fn catalogue(&mut self) {
        let (course, term) = self.school.course_and_term().await;
        self.put("taught-course", course);
        self.put("terms", term);
        let idle = json!({"code": "IDLE", "title": "Idle"});
        let idle = self.make("courses", "/v1/courses", idle).await;
        let needed = json!({"code": "NEEDED", "title": "Needed"});
        let needed = self.make("needed-course", "/v1/courses", needed).await;
        let path = format!("/v1/courses/{idle}/prerequisites");
        self.make("prerequisite", &path, json!({"prerequisiteId": needed})).await;
        let lab = json!({"courseId": idle, "code": "LAB", "name": "Lab"});
        self.make("subjects", "/v1/subjects", lab).await;
        let idle =
            json!({"code": "T9", "name": "T9", "startsOn": "2030-09-01", "endsOn": "2030-12-14"});
        self.make("idle-term", "/v1/terms", idle).await;
        let system =
            json!({"type": "QUARTER", "termsPerYear": 4, "weeksPerTerm": 10, "anchor": "09-01"});
        self.make("term-systems", "/v1/term-systems", system).await;
        let template = json!({"code": "T", "version": 1, "years": 1,
            "items": [{"course": "NEEDED", "year": 1, "term": 1}]});
        self.make("curriculum-templates", "/v1/curriculum-templates", template.clone()).await;
        let program = json!({"code": "P", "name": "P", "curriculumTemplate": template});
        let program = self.make("programs", "/v1/programs", program).await;
        let curricula = format!("/v1/programs/{program}/curricula");
        self.first("curricula", &curricula).await;
        let bare = json!({"code": "Q", "name": "Q"});
        self.make("idle-program", "/v1/programs", bare).await;
        let bank = json!({"name": "B"});
        let bank = self.make("question-banks", "/v1/question-banks", bank).await;
        self.make("idle-bank", "/v1/question-banks", json!({"name": "I"})).await;
        let question =
            json!({"bankId": bank, "title": "Q", "statement": "Q", "body": {"type": "ESSAY"}});
        self.make("questions", "/v1/questions", question).await;
        self.make("api-clients", "/v1/api-clients", json!({"name": "C"})).await;
    }

    /// The first of a list.
    async fn first(&mut self, name: &'static str, path: &str) -> Uuid {
        let listed = self.school.admin.get(path).await.expect(200).body;
        let id = listed["items"][0]["id"].as_str().and_then(|id| id.parse().ok());
        self.put(name, id.unwrap_or_else(|| panic!("{path} is bare")))
    }

    async fn class(&mut self, name: &'static str, more: Value) -> Uuid {
        let (course, term) = (self.id("taught-course"), self.id("terms"));
        let mut class = json!({"courseId": course, "termId": term, "code": name, "capacity": 5,
            "waitlistCapacity": 5});
        for (member, value) in more.as_object().into_iter().flatten() {
            class[member] = value.clone();
        }
        let class = self.make(name, "/v1/classes", class).await;
        let instructor = if name == "other-class" { "other-instructor" } else { "instructor" };
        let member = json!({"userId": self.id(instructor)});
        self.school.admin.post(&format!("/v1/classes/{class}/staff"), member).await.expect(201);
        class
    }

    async fn enrol(&mut self, name: &'static str, class: Uuid, student: &str) -> Uuid {
        let student = self.id(student);
        let body =
            json!({"studentId": student, "onFull": "waitlist", "effectiveDate": "2026-09-01"});
        let path = format!("/v1/classes/{class}/enrollments");
        let made = self.school.admin.post(&path, body).await;
        assert!(made.status.is_success(), "{}", made.body);
        self.put(name, made.id())
    }

    async fn enrollments(&mut self) {
        let class = self.class("classes", json!({})).await;
        self.enrol("enrollments", class, "students").await;
        let other = self.class("other-class", json!({})).await;
        self.enrol("other-enrollment", other, "other-students").await;
        let full = self.class("full-class", json!({"capacity": 0})).await;
        self.enrol("waitlisted", full, "students").await;
        let offering = self.class("offering-class", json!({"capacity": 1, "offerHours": 24})).await;
        let holder = self.enrol("holder", offering, "other-students").await;
        self.enrol("offered", offering, "students").await;
        self.school.act(holder, "drop", json!({})).await.expect(200);
        let resting = self.class("resting-class", json!({})).await;
        let suspended = self.enrol("suspended", resting, "students").await;
        self.school.act(suspended, "suspend", json!({})).await.expect(200);
        self.class("idle-class", json!({})).await;
        let hours = json!({"weekday": "MON", "starts": "09:00", "ends": "10:00"});
        self.make("class-meetings", &format!("/v1/classes/{class}/meetings"), hours).await;
    }

    async fn attendance(&mut self) {
        let class = self.id("classes");
        let path = format!("/v1/classes/{class}/attendance-sessions");
        let today = clock::now().with_timezone(&chrono_tz::Europe::London).date_naive();
        let marked = self.make("attendance-sessions", &path, json!({"date": "2026-09-02"})).await;
        let items = json!([{"studentId": self.id("students"), "code": "PRESENT"}]);
        let records = format!("/v1/attendance-sessions/{marked}/records:bulk");
        self.school.admin.post(&records, json!({"items": items})).await.expect(200);
        let open = self.make("open-session", &path, json!({"date": today})).await;
        let open = format!("/v1/attendance-sessions/{open}:openCheckIn");
        let opened = self.school.admin.post(&open, json!({})).await.expect(200);
        opened.body["code"].as_str().expect("a code").clone_into(&mut self.code);
        self.make("idle-session", &path, json!({"date": "2026-09-03"})).await;
        let code = json!({"code": "ILL", "name": "Ill"});
        self.make("attendance-codes", "/v1/attendance-codes", code).await;
        let (user, class) = (self.id("student"), self.id("classes"));
        self.insert(
            "notifications",
            "notifications (institution_id, id, user_id, type, payload, dedup_key, in_app)",
            &format!("'{user}', 'STUDENT_ENROLLED', '{{\"classId\": \"{class}\"}}', 'x', true"),
        )
        .await;
        self.insert(
            "stats",
            "class_attendance_stats (institution_id, id, class_id, held_on, sessions, enrolled, marked, counted, \
             present, rate, by_code)",
            &format!("'{class}', '2026-09-02', 1, 1, 1, 1, 1, 1, '{{}}'"),
        )
        .await;
        self.insert(
            "report",
            "weekly_reports (institution_id, id, week_start, class_id, enrolled, joined, dropped, sessions, counted, \
             present, attendance_rate)",
            &format!("'2026-08-31', '{class}', 1, 1, 0, 1, 1, 1, 1"),
        )
        .await;
    }

    /// How the class counts, and a grade and the result of the student.
    async fn gradebook(&mut self) {
        let (class, student) = (self.id("classes"), self.id("students"));
        let category = json!({"name": "C", "weight": "1"});
        let path = format!("/v1/classes/{class}/grading-categories");
        self.make("grading-categories", &path, category).await;
        let scale = json!({"classId": class, "name": "S", "passMark": "40",
            "bands": [{"label": "F", "fromPercent": "0"}]});
        self.make("grade-scales", "/v1/grade-scales", scale).await;
        let policy = json!({"classId": class, "name": "L", "ratePercent": "1", "interval": "DAY"});
        self.make("late-policies", "/v1/late-policies", policy).await;
        let assessment = self
            .insert(
                "counted-assessment",
                "assessments (institution_id, id, class_id, title, grading_type, status, points_possible, published_at)",
                &format!("'{class}', 'Counted', 'MANUAL', 'PUBLISHED', 10, now()"),
            )
            .await;
        let sends = [
            ("grades", json!({"studentId": student, "assessmentId": assessment, "score": "7"})),
            ("results", json!({"studentId": student, "outcome": "INCOMPLETE"})),
        ];
        for (name, row) in sends {
            let path = format!("/v1/classes/{class}/{name}:bulk");
            let sent = self.school.admin.post(&path, json!({"items": [row]})).await.expect(200);
            let id = sent.body["items"][0]["id"].as_str().and_then(|id| id.parse().ok());
            self.put(name, id.unwrap_or_else(|| panic!("{}", sent.body)));
        }
    }

    /// Drafts, and an assessment of which the student has handed in one attempt and is at another.
    async fn assessments(&mut self) {
        let (class, student) = (self.id("classes"), self.id("students"));
        let into = "assessments (institution_id, id, class_id, title, grading_type, points_possible, status, \
            published_at, blueprint, revision, materials_status, max_attempts)";
        let (drawn, bare) = ("'{\"sections\": []}', 1, 'READY', 9", "null, 0, 'NONE', 9");
        let of = format!("'{class}', 'A', 'MANUAL', 10");
        self.insert("draft-assessment", into, &format!("{of}, 'DRAFT', null, {bare}")).await;
        self.insert("drawn-draft", into, &format!("{of}, 'DRAFT', null, {drawn}")).await;
        let sat =
            self.insert("assessments", into, &format!("{of}, 'PUBLISHED', now(), {drawn}")).await;
        self.insert(
            "materials",
            "assessment_materials (institution_id, id, assessment_id, revision, blueprint, pool, hash)",
            &format!("'{sat}', 1, '{{\"sections\": []}}', '{{\"questions\": []}}', sha256('')"),
        )
        .await;
        let into = "assessment_submissions (institution_id, id, assessment_id, class_id, enrollment_id, student_id, \
            attempt, revision, items, started_at, status, submitted_at, submitted_by, answers_hash, receipt, score)";
        let own = format!("'{sat}', '{class}', '{}', '{student}'", self.id("enrollments"));
        let ended = "'GRADED', now(), 'STUDENT', sha256('{}'), sha256(''), 5";
        let ended = format!("{own}, 1, 1, 1, now(), {ended}");
        self.insert("submissions", into, &ended).await;
        let running = format!("{own}, 2, 1, 1, now(), 'IN_PROGRESS', null, null, null, null, null");
        self.insert("attempts", into, &running).await;
        let key = json!({"items": [{"item": "i1", "questionId": Uuid::nil(), "questionVersion": 1, "points": "10",
            "rule": {"type": "ESSAY"}}]});
        for (name, of) in [("variant", "submissions"), ("other-variant", "attempts")] {
            let into = "assessment_variants (institution_id, id, submission_id, paper, key)";
            let of = self.id(of);
            self.insert(name, into, &format!("'{of}', '{{\"items\": []}}', '{key}'")).await;
        }
        let into = "assessment_overrides (institution_id, id, assessment_id, student_id)";
        self.insert("override", into, &format!("'{sat}', '{student}'")).await;
        let into =
            "assessment_regrades (institution_id, id, assessment_id, number, questions, asked_by)";
        let regrade = format!("'{sat}', 1, '{{\"questions\": []}}', '{}'", self.id("instructor"));
        self.insert("regrades", into, &regrade).await;
    }

    /// A row beside the API.
    async fn insert(&mut self, name: &'static str, into: &str, values: &str) -> Uuid {
        let (institution, id) = (self.school.institution.as_uuid(), Uuid::now_v7());
        let sql = format!("INSERT INTO {into} VALUES ('{institution}', '{id}', {values})");
        self.superuser.execute(AssertSqlSafe(sql)).await.expect("inserted");
        self.put(name, id)
    }

    async fn platform(&mut self) {
        self.first("job-schedules", "/v1/job-schedules").await;
        let job = "jobs (institution_id, id, type, payload, state, finished_at, last_error)";
        let failed = "'UPDATE_CLASS_ATTENDANCE', '{}', 'FAILED', now(), 'why'";
        self.insert("failed-job", job, failed).await;
        let queued = "'UPDATE_CLASS_ATTENDANCE', '{}', 'QUEUED', null, null";
        self.insert("jobs", job, queued).await;
        let webhook = json!({"url": "https://example.com/", "eventTypes": ["WEBHOOK_TEST"]});
        let webhook = self.make("webhooks", "/v1/webhooks", webhook).await;
        let event = "SELECT id FROM outbox_events LIMIT 1";
        let event: Uuid =
            sqlx::query_scalar(event).fetch_one(&self.superuser).await.expect("an event");
        let delivery = "webhook_deliveries (institution_id, id, endpoint_id, event_id, state, next_attempt_at)";
        let failed = format!("'{webhook}', '{event}', 'FAILED', null");
        self.insert("webhook-deliveries", delivery, &failed).await;
    }

    /// Keeps every table as it is now. Events and their heads only grow, and the sequencer is at them.
    async fn keep(&self) {
        self.superuser
            .execute(
                "CREATE SCHEMA kept;
                 CREATE TABLE kept.tables AS
                     SELECT c.relname::text AS name FROM pg_class c
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'institution_id' AND NOT a.attisdropped
                     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
                       AND c.relname NOT IN ('ownership', 'change_log', 'outbox_events', 'event_heads');
                 DO $$ DECLARE name text; BEGIN
                     FOR name IN SELECT t.name FROM kept.tables t LOOP
                         EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name);
                     END LOOP;
                 END $$;
                 CREATE PROCEDURE kept.restore() LANGUAGE plpgsql AS $$ DECLARE name text; BEGIN
                     SET LOCAL session_replication_role = replica;
                     FOR name IN SELECT t.name FROM kept.tables t LOOP
                         EXECUTE format('DELETE FROM public.%1$I', name);
                         EXECUTE format('INSERT INTO public.%1$I SELECT * FROM kept.%1$I', name);
                     END LOOP;
                 END $$;",
            )
            .await
            .expect("kept");
    }

    /// Makes every table what it was.
    pub(super) async fn restore(&self) {
        self.superuser.execute("CALL kept.restore()").await.expect("restored");
    }
}
