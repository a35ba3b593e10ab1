//! Mechanisms that stand behind others: each with the ones before it taken away, so that it is the last.

use serde_json::json;
use sqlx::Executor as _;

use crate::support::school::School;

/// The lock of the class, the count under it and the table's own check would all refuse before.
#[tokio::test]
async fn a_seat_that_is_not_there_is_not_taken_whatever_was_counted() {
    let school = School::open().await;
    let (class, students) = (school.class(1, 0).await, school.students(1).await);
    let mut owner = school.shard.connect("postgres").await;
    // Somebody who goes by no lock takes the last seat after it was counted.
    owner
        .execute(
            "DO $$ DECLARE name text; BEGIN
                 FOR name IN SELECT conname FROM pg_constraint
                     WHERE conrelid = 'classes'::regclass AND pg_get_constraintdef(oid) LIKE '%seats_taken%' LOOP
                     EXECUTE format('ALTER TABLE classes DROP CONSTRAINT %I', name);
                 END LOOP;
             END $$;
             CREATE FUNCTION take_the_last_seat() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 UPDATE classes SET seats_taken = capacity
                 WHERE institution_id = NEW.institution_id AND id = NEW.class_id;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER take_the_last_seat AFTER INSERT ON enrollments
                 FOR EACH ROW EXECUTE FUNCTION take_the_last_seat();",
        )
        .await
        .expect("planted");
    let body = json!({"studentId": students[0], "onFull": "reject"});
    let path = format!("/v1/classes/{class}/enrollments");
    let answer = school.admin.post(&path, body).await;
    assert!(!answer.status.is_success(), "{}", answer.body);
    assert_eq!(school.count("SELECT count(*) FROM enrollments").await, 0);
    assert_eq!(school.count("SELECT sum(seats_taken)::bigint FROM classes").await, 0);
    school.close().await;
}
