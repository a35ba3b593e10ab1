//! Mail against a server that speaks SMTP: what it takes, refuses, or says nothing to.

use std::time::{Duration, Instant};

use serde_json::json;
use service_kit::clock;
use service_kit::token::Role;
use shard_node::jobs::Mode;
use shard_node::mail::{Letter, MailError, MailSettings, Mailer, NotSent, SEND_TIMEOUT, TlsMode};
use uuid::Uuid;

use crate::support::api::Plan;
use crate::support::directory::FakeDirectory;
use crate::support::school::School;
use crate::support::smtp::{Script, Sink};

const SENT: &str = "SELECT count(*) FROM notification_deliveries WHERE state = 'SENT'";
const FAILED: &str = "SELECT count(*) FROM notification_deliveries WHERE state = 'FAILED'";
const ATTEMPTS: &str = "SELECT sum(attempts) FROM notification_deliveries";

/// A school whose student `ada` was enrolled just now; her user.
async fn enrolled(mail: MailSettings) -> (School, Uuid) {
    let school = School::open_working(Some(mail)).await;
    let class = school.class(5, 0).await;
    let (student, user) = school.student("ada").await;
    school.enroll(class, student, "reject").await.expect(201);
    (school, user)
}

/// The reason that stands at the only delivery.
async fn why(school: &School) -> String {
    let why = sqlx::query_scalar("SELECT coalesce(error, '') FROM notification_deliveries");
    why.fetch_one(&school.shard.pool("postgres", 1)).await.expect("a delivery")
}

fn letter() -> Letter {
    Letter {
        id: Uuid::now_v7(),
        to: "ada@example.edu".to_owned(),
        subject: "S".to_owned(),
        text: "T".to_owned(),
        at: clock::now(),
    }
}

#[tokio::test]
async fn who_is_enrolled_gets_a_mail() {
    let sink = Sink::start().await;
    let (school, user) = enrolled(sink.settings()).await;
    school.until(SENT, 1).await;
    let received = sink.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let mail = &received[0];
    let inbox = school.as_user(Role::Student, user).get("/v1/notifications").await.expect(200);
    let id = inbox.body["items"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(mail.to, "ada@example.edu");
    assert_eq!(mail.header("Message-ID"), format!("<{id}@lxp.example>"));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Subject"), "You are enrolled in CS101-A");
    assert!(mail.header("Content-Type").starts_with("text/plain"), "{mail:?}");
    assert!(mail.message.contains("You have a seat in Computing (CS101-A)."), "{mail:?}");
    assert_eq!(school.count(ATTEMPTS).await, 1);
    school.close().await;
}

#[tokio::test]
async fn a_class_whose_title_holds_headers_makes_none() {
    let sink = Sink::start().await;
    let school = School::open_working(Some(sink.settings())).await;
    let (course, term) = school.course_and_term().await;
    let code = "A\r\nBcc: victim@example.org\r\n\r\nbody\r\n.\r\nMAIL FROM:<x@example.org>";
    let class =
        json!({"courseId": course, "termId": term, "code": code, "title": code, "capacity": 1});
    let class = school.admin.post("/v1/classes", class).await.expect(201).id();
    let (student, _) = school.student("ada").await;
    school.enroll(class, student, "reject").await.expect(201);
    school.until(SENT, 1).await;
    let received = sink.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let head = received[0].message.split("\r\n\r\n").next().expect("a head").to_lowercase();
    assert!(!head.contains("\r\nbcc:"), "{head}");
    assert_eq!(sink.commands().iter().filter(|verb| *verb == "MAIL").count(), 1);
    school.close().await;
}

#[tokio::test]
async fn what_is_refused_for_now_is_sent_later() {
    let sink = Sink::start().await;
    sink.next(Script::AtEnd("451 4.7.1 try again"));
    sink.next(Script::AtRcpt("450 4.2.0 greylisted"));
    let (school, _) = enrolled(sink.settings()).await;
    school.until(SENT, 1).await;
    assert_eq!((sink.received().len(), school.count(ATTEMPTS).await), (1, 3));
    school.close().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_tried_once_and_kept() {
    let sink = Sink::start().await;
    sink.next(Script::AtRcpt("550 5.1.1 no such user"));
    let (school, user) = enrolled(sink.settings()).await;
    school.until(FAILED, 1).await;
    let failed = "SELECT count(*) FROM jobs WHERE type = 'NOTIFICATION_MAIL' AND state = 'FAILED' AND attempts = 1";
    school.until(failed, 1).await;
    assert_eq!(school.count(ATTEMPTS).await, 1);
    assert!(why(&school).await.contains("550"), "{}", why(&school).await);
    let kept = "SELECT count(*) FROM jobs WHERE last_error LIKE '%@%'";
    assert_eq!(school.count(kept).await, 0, "an address stands in a job");
    let inbox = school.as_user(Role::Student, user).get("/v1/notifications").await.expect(200);
    assert_eq!(inbox.body["unreadCount"], 1, "the inbox does not depend on mail");
    school.close().await;
}

#[tokio::test]
async fn a_mail_of_unknown_outcome_is_sent_again_under_its_id() {
    let sink = Sink::start().await;
    sink.next(Script::GoneAtEnd);
    let (school, _) = enrolled(sink.settings()).await;
    school.until(SENT, 1).await;
    let ids: Vec<_> =
        sink.received().iter().map(|mail| mail.header("Message-ID").to_owned()).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert_eq!(ids[0], ids[1]);
    school.close().await;
}

/// As when a worker dies between the end of its work and the end of its job.
#[tokio::test]
async fn a_mail_that_is_known_to_be_sent_is_not_sent_again() {
    let sink = Sink::start().await;
    let (school, _) = enrolled(sink.settings()).await;
    school.until(SENT, 1).await;
    school.until_idle().await;
    let before = "SELECT max(fence) FROM jobs WHERE type = 'NOTIFICATION_MAIL'";
    let fence = school.count(before).await;
    school
        .run(
            "UPDATE jobs SET state = 'QUEUED', run_at = now(), finished_at = NULL, keep_until = NULL
             WHERE type = 'NOTIFICATION_MAIL'",
        )
        .await;
    school.until_idle().await;
    assert!(school.count(before).await > fence, "it did not run again");
    assert_eq!((sink.received().len(), school.count(ATTEMPTS).await), (1, 1));
    school.close().await;
}

/// Days without a mail server have ended; so that what failed meanwhile goes out, its job is tried again.
#[tokio::test]
async fn a_mail_that_failed_goes_out_once_its_job_is_tried_again() {
    let sink = Sink::start().await;
    (0..20).for_each(|_| sink.next(Script::AtEnd("451 4.3.0 away")));
    let (school, _) = enrolled(sink.settings()).await;
    school.until("SELECT count(*) FROM notification_deliveries WHERE attempts > 0", 1).await;
    school.until_idle().await;
    let left = "SELECT (attempts_max - 10)::bigint FROM jobs WHERE type = 'NOTIFICATION_MAIL'";
    assert!(school.count(left).await > 0, "ten tries are over within minutes");
    school
        .run(
            "UPDATE jobs SET attempts = attempts_max - 1, run_at = now()
             WHERE type = 'NOTIFICATION_MAIL' AND state = 'QUEUED'",
        )
        .await;
    school.until(FAILED, 1).await;
    let failed = "SELECT count(*) FROM jobs WHERE type = 'NOTIFICATION_MAIL' AND state = 'FAILED'";
    school.until(failed, 1).await;
    sink.take_all();
    let retried = school.admin.post("/v1/jobs:retryFailed", json!({})).await.expect(200);
    assert_eq!(retried.body["retried"], 1);
    school.until(SENT, 1).await;
    assert_eq!(sink.received().len(), 1);
    school.close().await;
}

#[tokio::test]
async fn a_node_without_mail_leaves_it_to_one_that_has_it() {
    let school = School::open_working(None).await;
    let class = school.class(5, 0).await;
    let (student, _) = school.student("ada").await;
    school.enroll(class, student, "reject").await.expect(201);
    let seen = "SELECT count(*) FROM jobs WHERE type = 'NOTIFICATION_MAIL' AND last_error LIKE 'mail is off%'";
    school.until(seen, 1).await;
    school.served.rest.cancel();
    let sink = Sink::start().await;
    let mut plan = Plan::new(&school.shard, FakeDirectory::start().await);
    plan.jobs.mode = Mode::Both;
    plan.mail = Some(sink.settings());
    let other = plan.serve().await;
    other.until_leased().await;
    school
        .run("UPDATE jobs SET run_at = now() WHERE type = 'NOTIFICATION_MAIL' AND state = 'QUEUED'")
        .await;
    school.until(SENT, 1).await;
    assert_eq!(sink.received().len(), 1);
    drop(other);
    school.close().await;
}

#[tokio::test]
async fn where_no_node_sends_mail_a_delivery_is_skipped_in_the_end_and_says_why() {
    let school = School::open_working(None).await;
    let class = school.class(5, 0).await;
    let (student, _) = school.student("ada").await;
    school.enroll(class, student, "reject").await.expect(201);
    let seen = "SELECT count(*) FROM jobs WHERE type = 'NOTIFICATION_MAIL' AND last_error LIKE 'mail is off%'";
    school.until(seen, 1).await;
    school
        .run(
            "UPDATE jobs SET run_at = now(), attempts = attempts_max - 1
             WHERE type = 'NOTIFICATION_MAIL' AND state = 'QUEUED'",
        )
        .await;
    school.until("SELECT count(*) FROM notification_deliveries WHERE state = 'SKIPPED'", 1).await;
    assert_eq!(why(&school).await, "mail is off on the nodes that looked at it");
    let failed = "SELECT count(*) FROM jobs WHERE state = 'FAILED'";
    school.until_idle().await;
    assert_eq!(school.count(failed).await, 0);
    school.close().await;
}

#[tokio::test]
async fn where_tls_is_demanded_nothing_goes_out_without_it() {
    let sink = Sink::start().await;
    let mut settings = sink.settings();
    settings.smtp.tls = TlsMode::Starttls;
    service_kit::tls::install_provider();
    let mailer = Mailer::new(&settings).expect("a mailer");
    let refused = mailer.send(&letter()).await.expect_err("no TLS");
    assert!(matches!(refused, NotSent::Later(_)), "{refused:?}");
    assert!(!sink.commands().iter().any(|verb| verb == "MAIL"), "{:?}", sink.commands());
}

#[tokio::test]
async fn a_login_that_is_refused_is_no_fault_of_the_letter() {
    let sink = Sink::start().await;
    sink.next(Script::AtLogin("535 5.7.8 no"));
    let directory = tempfile::tempdir().expect("a directory");
    let password = directory.path().join("password");
    std::fs::write(&password, "secret\n").expect("written");
    let mut settings = sink.settings();
    settings.smtp.username = Some("lxp".to_owned());
    settings.smtp.password_file = Some(password);
    let mailer = Mailer::new(&settings).expect("a mailer");
    let refused = mailer.send(&letter()).await.expect_err("no login");
    assert!(matches!(refused, NotSent::Later(_)), "{refused:?}");
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_no_longer_than_is_said() {
    let sink = Sink::start().await;
    sink.next(Script::Silent);
    let mailer = Mailer::new(&sink.settings()).expect("a mailer");
    let began = Instant::now();
    let refused = mailer.send(&letter()).await.expect_err("silence");
    assert!(matches!(refused, NotSent::Later(_)), "{refused:?}");
    assert!(began.elapsed() < SEND_TIMEOUT + Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_password_goes_out_in_the_open() {
    service_kit::tls::install_provider();
    let directory = tempfile::tempdir().expect("a directory");
    let password = directory.path().join("password");
    std::fs::write(&password, "secret\n").expect("written");
    let mut settings = Sink::start().await.settings();
    settings.smtp.host = "mail.example.edu".to_owned();
    settings.smtp.username = Some("lxp".to_owned());
    settings.smtp.password_file = Some(password);
    assert!(matches!(Mailer::new(&settings), Err(MailError::OpenLogin)));
    settings.smtp.tls = TlsMode::Starttls;
    assert!(Mailer::new(&settings).is_ok());
}
