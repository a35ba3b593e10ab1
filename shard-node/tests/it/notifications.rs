//! Who is told of what, and whose an inbox is, against a real Postgres.

use axum::http::Method;
use serde_json::{Value, json};
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::api::Client;
use crate::support::school::School;

const ALL: &str = "SELECT count(*) FROM notifications";
const MAILS: &str = "SELECT count(*) FROM notification_deliveries";
const MAIL_JOBS: &str = "SELECT count(*) FROM jobs WHERE type = 'NOTIFICATION_MAIL'";

/// All that is done is done once more.
const AGAIN: &str =
    "UPDATE jobs SET state = 'QUEUED', run_at = now(), finished_at = NULL, keep_until = NULL
    WHERE state = 'DONE' AND type <> 'NOTIFICATION_MAIL'";

/// The types in a user's inbox, the newest first.
async fn told(client: &Client) -> Vec<String> {
    let inbox = client.get("/v1/notifications").await.expect(200);
    let items = inbox.body["items"].as_array().expect("items").iter();
    items.map(|item| item["type"].as_str().expect("a type").to_owned()).collect()
}

/// So many notifications of a user, beside the API.
async fn filled(school: &School, user: Uuid, count: i32) {
    let mut watcher = school.shard.connect("postgres").await;
    sqlx::query(
        "INSERT INTO notifications (institution_id, id, user_id, type, payload, dedup_key, in_app)
         SELECT $1, gen_random_uuid(), $2, 'PROGRAM_CREATED', jsonb_build_object('code', n::text, 'name', 'N'),
                'k' || n, true FROM generate_series(1, $3) n",
    )
    .bind(school.institution.as_uuid())
    .bind(user)
    .bind(count)
    .execute(&mut watcher)
    .await
    .expect("inserted");
}

#[tokio::test]
async fn coordinators_hear_of_a_program_but_not_who_made_it() {
    let school = School::open_working(None).await;
    let maker = school.user("maker", json!([{"role": "ADMIN"}])).await;
    let mut users = Vec::new();
    for (name, roles) in [
        ("staff", json!([{"role": "STAFF"}])),
        ("both", json!([{"role": "ADMIN"}, {"role": "STAFF", "until": "2020-01-01"}])),
        ("past", json!([{"role": "STAFF", "until": "2020-01-01"}])),
        ("later", json!([{"role": "ADMIN", "from": "2290-01-01"}])),
        ("teacher", json!([{"role": "INSTRUCTOR"}])),
    ] {
        users.push(school.user(name, roles).await);
    }
    let program = json!({"code": "BSC", "name": "Computing"});
    let program =
        school.as_user(Role::Admin, maker).post("/v1/programs", program).await.expect(201);
    school.until(ALL, 2).await;
    school.until_idle().await;
    assert_eq!(told(&school.as_user(Role::Admin, maker)).await.len(), 0);
    for (user, wanted) in users.iter().zip([1, 1, 0, 0, 0]) {
        assert_eq!(told(&school.as_user(Role::Staff, *user)).await.len(), wanted);
    }
    let inbox = school.as_user(Role::Staff, users[0]).get("/v1/notifications").await.expect(200);
    let item = &inbox.body["items"][0];
    assert_eq!(item["payload"]["programId"], json!(program.id()));
    assert_eq!(item["subject"], "New program: BSC");
    school.close().await;
}

#[tokio::test]
async fn an_enrolment_is_told_once_however_often_its_job_runs() {
    let school = School::open_working(None).await;
    let class = school.class(5, 0).await;
    let (student, user) = school.student("ada").await;
    let teacher = school.user("teacher", json!([])).await;
    let staff = format!("/v1/classes/{class}/staff");
    school.admin.post(&staff, json!({"userId": teacher})).await.expect(201);
    school.enroll(class, student, "reject").await.expect(201);
    school.until(ALL, 2).await;
    school.until_idle().await;
    for _ in 0..2 {
        school.run(AGAIN).await;
        school.until_idle().await;
    }
    let runs = "SELECT max(fence) FROM jobs WHERE type = 'STUDENT_ENROLLED'";
    assert!(school.count(runs).await >= 3, "it ran once only");
    assert_eq!(school.count(ALL).await, 2);
    assert_eq!((school.count(MAILS).await, school.count(MAIL_JOBS).await), (1, 1));
    assert_eq!(told(&school.as_user(Role::Student, user)).await, ["STUDENT_ENROLLED"]);
    let inbox = school.as_user(Role::Instructor, teacher).get("/v1/notifications").await;
    let item = &inbox.expect(200).body["items"][0];
    assert_eq!(
        (&item["type"], &item["payload"]["studentId"]),
        (&json!("STUDENT_JOINED"), &json!(student))
    );
    assert!(
        !item.to_string().contains("ada"),
        "a student's name is not an instructor's to read: {item}"
    );
    school.close().await;
}

#[tokio::test]
async fn an_inbox_is_read_page_by_page_and_marked() {
    let school = School::open_working(None).await;
    let user = school.user("ada", json!([])).await;
    filled(&school, user, 5).await;
    let own = school.as_user(Role::Staff, user);
    let mut seen = Vec::new();
    let mut path = "/v1/notifications?limit=2".to_owned();
    loop {
        let page = own.get(&path).await.expect(200);
        assert_eq!(page.body["unreadCount"], 5);
        seen.extend(page.body["items"].as_array().expect("items").clone());
        let Some(cursor) = page.body["nextCursor"].as_str() else { break };
        path = format!("/v1/notifications?limit=2&cursor={cursor}");
    }
    let ids: std::collections::BTreeSet<_> =
        seen.iter().map(|item| item["id"].to_string()).collect();
    assert_eq!((seen.len(), ids.len()), (5, 5));

    let id = seen[0]["id"].as_str().expect("an id");
    let read = own.post(&format!("/v1/notifications/{id}:markRead"), json!({})).await.expect(200);
    let at = read.body["readAt"].clone();
    assert!(at.is_string(), "{}", read.body);
    let again = own.post(&format!("/v1/notifications/{id}:markRead"), json!({})).await.expect(200);
    assert_eq!(again.body["readAt"], at, "it was read when it was read first");
    let unread = own.get("/v1/notifications?unread=true").await.expect(200);
    assert_eq!((&unread.body["total"], &unread.body["unreadCount"]), (&json!(4), &json!(4)));
    assert_eq!(own.get("/v1/notifications?unread=false").await.body["total"], 1);
    let all = own.post("/v1/notifications:markAllRead", json!({})).await.expect(200);
    assert_eq!(all.body["marked"], 4);
    assert_eq!(own.get("/v1/notifications").await.body["unreadCount"], 0);
    school.close().await;
}

#[tokio::test]
async fn nobody_reads_or_marks_the_inbox_of_somebody_else() {
    let school = School::open_working(None).await;
    let (ada, bob) = (school.user("ada", json!([])).await, school.user("bob", json!([])).await);
    filled(&school, ada, 2).await;
    let own = school.as_user(Role::Student, ada);
    let id = own.get("/v1/notifications").await.body["items"][0]["id"].clone();
    let id = id.as_str().expect("an id");
    for other in
        [school.as_user(Role::Student, bob), school.admin.clone(), school.as_user(Role::Admin, bob)]
    {
        let inbox = other.get("/v1/notifications").await.expect(200);
        assert_eq!((&inbox.body["total"], &inbox.body["unreadCount"]), (&json!(0), &json!(0)));
        other.get(&format!("/v1/notifications?userId={ada}")).await.expect(400);
        other.post(&format!("/v1/notifications/{id}:markRead"), json!({})).await.expect(404);
        assert_eq!(other.post("/v1/notifications:markAllRead", json!({})).await.body["marked"], 0);
    }
    assert_eq!(own.get("/v1/notifications").await.body["unreadCount"], 2);
    school.close().await;
}

#[tokio::test]
async fn what_a_user_does_not_want_is_not_told() {
    let school = School::open_working(None).await;
    let class = school.class(5, 0).await;
    let set = async |user: Uuid, items: Value| {
        let body = Some(json!({"items": items}));
        let client = school.as_user(Role::Student, user);
        client.send(Method::PUT, "/v1/notification-preferences", body, &[]).await
    };
    let item = |kind: &str, channel: &str, enabled: bool| json!({"type": kind, "channel": channel, "enabled": enabled});
    let mut users = Vec::new();
    for (name, items) in [
        ("default", json!([])),
        ("nothing", json!([item("*", "IN_APP", false), item("*", "EMAIL", false)])),
        ("mail", json!([item("STUDENT_ENROLLED", "IN_APP", false)])),
        (
            "inbox",
            json!([
                item("*", "EMAIL", false),
                item("*", "IN_APP", false),
                item("STUDENT_ENROLLED", "IN_APP", true)
            ]),
        ),
    ] {
        let (student, user) = school.student(name).await;
        set(user, items.clone()).await.expect(200);
        school.enroll(class, student, "reject").await.expect(201);
        users.push(user);
    }
    school
        .until("SELECT count(*) FROM jobs WHERE type = 'STUDENT_ENROLLED' AND state = 'DONE'", 4)
        .await;
    for (user, wanted) in users.iter().zip([1, 0, 0, 1]) {
        assert_eq!(told(&school.as_user(Role::Student, *user)).await.len(), wanted, "{user}");
    }
    let mailed: Vec<Uuid> = sqlx::query_scalar(
        "SELECT n.user_id FROM notification_deliveries d JOIN notifications n ON n.id = d.notification_id
         ORDER BY n.user_id",
    )
    .fetch_all(&school.shard.pool("postgres", 1))
    .await
    .expect("deliveries");
    let mut wanted = vec![users[0], users[2]];
    wanted.sort();
    assert_eq!(mailed, wanted);

    let twice = json!([item("*", "EMAIL", false), item("*", "EMAIL", true)]);
    set(users[0], twice).await.expect(400);
    set(users[0], json!([item("NO_SUCH_TYPE", "EMAIL", false)])).await.expect(400);
    let own = school.as_user(Role::Student, users[2]).get("/v1/notification-preferences").await;
    let own = own.expect(200).body;
    assert_eq!(own["items"], json!([item("STUDENT_ENROLLED", "IN_APP", false)]));
    let effective = own["effective"].as_array().expect("all of them");
    assert!(effective.contains(&item("STUDENT_ENROLLED", "IN_APP", false)), "{effective:?}");
    assert!(effective.contains(&item("STUDENT_ENROLLED", "EMAIL", true)), "{effective:?}");
    let nobody = school.as_user(Role::Student, Uuid::now_v7());
    let body = Some(json!({"items": [item("*", "EMAIL", false)]}));
    nobody.send(Method::PUT, "/v1/notification-preferences", body, &[]).await.expect(404);
    school.close().await;
}
