//! One institution with many students and classes whose ids are numbers, so that requests and scripts of pgbench can
//! name them alike.
//!
//! What must stay true: a pair of class and student is used once, by requests or by pgbench: each has classes of its
//! own, and numbers its pairs by round.

use serde_json::json;
use shard_map::InstitutionId;
use uuid::Uuid;

use crate::api::Api;
use crate::load::{Requests, caller};
use crate::platform::Platform;
use crate::postgres;

use super::CONNECTIONS;

/// So many that no user comes near the requests that one may make in a minute.
const USERS: u128 = 600;
const STUDENTS: u32 = 60_000;
const CLASSES: u32 = 16;
/// Classes of requests begin here, those of pgbench [`CLASSES`] later.
const FIRST_CLASS: u128 = 700_000_000;
/// Requests of a round at most.
const ROUND: u32 = 9_500;
/// Where the numbers of first transactions begin, beyond those of a round of pgbench.
pub(super) const FIRST_AT: &str = "9400";
/// The numbers of one client of pgbench in a round.
const CLIENT: u32 = 2_000_000;

/// The institution.
#[derive(Debug)]
pub(super) struct Stage {
    institution: InstitutionId,
    /// Ids that are in every transaction alike.
    constant: Vec<Uuid>,
    /// The headers of each of its users.
    users: Vec<String>,
}

impl Stage {
    /// The key of the request whose statements are logged.
    pub(super) const KEY: &str = "bench-captured";

    /// Makes it.
    pub(super) async fn set(platform: &Platform) -> anyhow::Result<Self> {
        let institution = platform.institution("bench-statements").await?;
        let api = Api::new(platform, institution)?;
        let course = json!({"code": "M1", "title": "Mathematics", "credits": "30"});
        let course = api.make("/v1/courses", &course).await?;
        let term =
            json!({"code": "T1", "name": "T1", "startsOn": "2026-09-01", "endsOn": "2026-12-14"});
        let term = api.make("/v1/terms", &term).await?;
        let class = json!({"courseId": course, "termId": term, "code": "M1", "capacity": 1});
        let class = api.make("/v1/classes", &class).await?;
        postgres::sql(&platform.superuser, &rows(institution, class)).await?;
        let constant = vec![institution.as_uuid(), Self::subject(0)];
        let user =
            |number| caller(&platform.token(institution, Self::subject(number)), institution);
        let users = (0..USERS).map(user).collect();
        Ok(Self { institution, constant, users })
    }

    /// The student of a number, from 1 on; 0 stands for the one whose reading is logged.
    pub(super) fn student(number: u32) -> Uuid {
        let digits = format!("{:0>32}", if number == 0 { STUDENTS } else { number });
        digits.parse().unwrap_or_default()
    }

    /// The student whose enrolment is logged; it has no part in what is measured.
    pub(super) fn enrolled_once() -> Uuid {
        Self::student(STUDENTS - 1)
    }

    /// A class for requests.
    pub(super) fn class(number: u32) -> Uuid {
        let digits = format!("{:0>32}", FIRST_CLASS + u128::from(number));
        digits.parse().unwrap_or_default()
    }

    fn subject(number: u128) -> Uuid {
        Uuid::from_u128(0xbe0c << 64 | number)
    }

    pub(super) fn students() -> u32 {
        STUDENTS
    }

    pub(super) fn institution(&self) -> InstitutionId {
        self.institution
    }

    /// Whether an id is the same in every transaction.
    pub(super) fn is_constant(&self, id: Uuid) -> bool {
        self.constant.contains(&id)
    }

    /// The read whose statements are logged. wrk sends the first request of all only to look at it.
    pub(super) fn read_once(&self) -> Requests {
        let headers = &self.users[0];
        let mut requests = Requests::default();
        for student in [Self::student(STUDENTS - 2), Self::student(0)] {
            requests.push(&format!("/v1/students/{student}"), headers, None);
        }
        requests
    }

    /// The enrolment whose statements are logged.
    pub(super) fn enrol_once(&self) -> Requests {
        let headers = &self.users[0];
        let path = format!("/v1/classes/{}/enrollments", Self::class(0));
        let mut requests = Requests::default();
        for key in ["bench-skipped", Self::KEY] {
            let body = json!({"studentId": Self::enrolled_once()}).to_string();
            requests.push(&path, headers, Some((key, &body)));
        }
        requests
    }

    /// The reads of a round: students that nobody has read before.
    pub(super) fn reads(&self, round: usize) -> Requests {
        let first = u32::try_from(round).unwrap_or_default() * ROUND;
        let mut requests = Requests::default();
        for (number, headers) in (0..ROUND).zip(self.users.iter().cycle()) {
            let path = format!("/v1/students/{}", Self::student(1 + first + number));
            requests.push(&path, headers, None);
        }
        requests
    }

    /// The enrolments of a round.
    pub(super) fn enrolments(&self, round: usize) -> Requests {
        let first = u32::try_from(round).unwrap_or_default() * ROUND;
        let mut requests = Requests::default();
        for (number, headers) in (first..first + ROUND).zip(self.users.iter().cycle()) {
            let path = format!("/v1/classes/{}/enrollments", Self::class(number % CLASSES));
            let student = Self::student(1 + number / CLASSES);
            let body = json!({ "studentId": student }).to_string();
            requests.push(&path, headers, Some((&Uuid::now_v7().to_string(), &body)));
        }
        requests
    }

    /// pgbench's numbering of its transactions: `n` is unique, `student` and `class` a pair of it. Each client has classes
    /// of its own: clients that wait for each other's locks would cost what requests, in line in the node, do not.
    pub(super) fn numbering() -> String {
        let each = CLASSES / CONNECTIONS;
        format!(
            "\\set at :at + 1\n\
             \\set pair :round * {ROUND} + :at\n\
             \\set n (:round * 64 + :client_id) * {CLIENT} + :at\n\
             \\set student 1 + :pair / {each}\n\
             \\set class {FIRST_CLASS} + {CLASSES} + :client_id * {each} + :pair % {each}\n"
        )
    }

    #[cfg(test)]
    pub(super) fn test() -> Self {
        Self {
            institution: InstitutionId::new(Uuid::nil()),
            constant: Vec::new(),
            users: Vec::new(),
        }
    }
}

/// Users and students by number, and copies of a class with room for all.
fn rows(institution: InstitutionId, class: Uuid) -> String {
    let id = |number: &str| format!("lpad(({number})::text, 32, '0')::uuid");
    let (person, of_class) = (id("n"), id(&format!("{FIRST_CLASS} + n")));
    let last = 2 * CLASSES - 1;
    format!(
        "BEGIN; SELECT set_config('app.institution_id', '{institution}', true);
         INSERT INTO users (institution_id, id, given_name, family_name)
             SELECT '{institution}', {person}, 'Ada', 'Lovelace' FROM generate_series(1, {STUDENTS}) n;
         INSERT INTO students (institution_id, id, user_id, student_no)
             SELECT '{institution}', {person}, {person}, 'S-' || n FROM generate_series(1, {STUDENTS}) n;
         INSERT INTO classes (institution_id, id, course_id, term_id, code, title, capacity)
             SELECT institution_id, {of_class}, course_id, term_id, 'N' || n, title, 1000000
             FROM classes, generate_series(0, {last}) n WHERE institution_id = '{institution}' AND id = '{class}';
         INSERT INTO class_subjects (institution_id, id, class_id, subject_id)
             SELECT institution_id, gen_random_uuid(), {of_class}, subject_id
             FROM class_subjects, generate_series(0, {last}) n
             WHERE institution_id = '{institution}' AND class_id = '{class}';
         COMMIT; ANALYZE;"
    )
}
