//! Users, their roles, and who teaches a class, against a real Postgres.

use axum::http::Method;
use serde_json::json;
use service_kit::token::Role;
use uuid::Uuid;

use crate::support::school::School;

#[tokio::test]
async fn a_user_is_made_changed_and_deleted_with_its_roles() {
    let school = School::open().await;
    let roles = json!([{"role": "STAFF", "from": "2026-01-01", "until": "2026-12-31"}]);
    let user = school.user("ada", roles).await;
    let path = format!("/v1/users/{user}");
    let read = school.admin.get(&path).await.expect(200);
    assert_eq!(
        read.body["roles"],
        json!([{"role": "STAFF", "from": "2026-01-01", "until": "2026-12-31"}])
    );
    let found = school.admin.get("/v1/users?username=ada").await.expect(200);
    assert_eq!((&found.body["total"], &found.body["items"][0]["id"]), (&json!(1), &json!(user)));

    let change = json!({"email": null, "timezone": "Europe/Berlin",
        "roles": [{"role": "INSTRUCTOR"}, {"role": "STAFF"}]});
    let changed = school.patch(&path, change).await.expect(200);
    assert_eq!((&changed.body["email"], &changed.body["rowVersion"]), (&json!(null), &json!(2)));
    assert_eq!(
        changed.body["roles"],
        json!([{"role": "INSTRUCTOR", "from": null, "until": null}, {"role": "STAFF", "from": null, "until": null}])
    );
    school.patch(&path, json!({"timezone": "Nowhere/Else"})).await.expect(400);
    let twice = json!({"roles": [{"role": "STAFF"}, {"role": "STAFF"}]});
    school.patch(&path, twice).await.expect(400);

    school.user("grace", json!([])).await;
    let taken = school.patch(&path, json!({"username": "grace"})).await.expect(409);
    assert_eq!(taken.code(), "username-taken");
    school.delete(&path).await.expect(204);
    school.admin.get(&path).await.expect(404);
    assert_eq!(school.count("SELECT count(*) FROM user_roles").await, 0);
    school.close().await;
}

#[tokio::test]
async fn users_are_the_offices_and_admin_is_an_admins_to_give() {
    let school = School::open().await;
    let user = school.user("ada", json!([])).await;
    let path = format!("/v1/users/{user}");
    let other = school.user("bob", json!([])).await;
    for role in [Role::Instructor, Role::Student, Role::Guardian, Role::ApiClient] {
        school.as_user(role, other).get(&path).await.expect(403);
        school.as_user(role, user).get("/v1/users").await.expect(403);
    }
    let staff = school.as_user(Role::Staff, user);
    let give = |role: &str| Some(json!({"roles": [{"role": role}]}));
    staff.send(Method::PATCH, &path, give("ADMIN"), &[]).await.expect(403);
    staff.send(Method::PATCH, &path, give("INSTRUCTOR"), &[]).await.expect(200);
    let admin = school.user("root", json!([{"role": "ADMIN"}])).await;
    let of_admin = format!("/v1/users/{admin}");
    staff.send(Method::PATCH, &of_admin, give("STAFF"), &[]).await.expect(403);
    staff.send(Method::DELETE, &of_admin, None, &[]).await.expect(403);
    let renamed = Some(json!({"givenName": "Root"}));
    staff.send(Method::PATCH, &of_admin, renamed, &[]).await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn who_changes_a_students_user_changes_the_student() {
    let school = School::open().await;
    let (student, user) = school.student("ada").await;
    let renamed = json!({"familyName": "King"});
    school.patch(&format!("/v1/users/{user}"), renamed).await.expect(200);
    let read = school.admin.get(&format!("/v1/students/{student}")).await.expect(200);
    assert_eq!((&read.body["familyName"], &read.body["rowVersion"]), (&json!("King"), &json!(2)));
    let events =
        "SELECT count(*) FROM outbox_events WHERE type IN ('STUDENT_UPDATED', 'USER_UPDATED')";
    assert_eq!(school.count(events).await, 2);
    let refused = school.delete(&format!("/v1/users/{user}")).await.expect(409);
    assert_eq!(refused.code(), "in-use");
    school.close().await;
}

#[tokio::test]
async fn a_class_has_its_staff_once_each() {
    let school = School::open().await;
    let (class, user) = (school.class(5, 0).await, school.user("ada", json!([])).await);
    let path = format!("/v1/classes/{class}/staff");
    let added = school.admin.post(&path, json!({"userId": user})).await.expect(201);
    assert_eq!(added.headers["location"], format!("{path}/{user}"));
    let again = school.admin.post(&path, json!({"userId": user})).await.expect(200);
    assert_eq!(again.id(), added.id());
    let unknown = school.admin.post(&path, json!({"userId": Uuid::now_v7()})).await.expect(404);
    assert_eq!(unknown.body["errors"][0]["pointer"], "/userId");
    let listed = school.admin.get(&path).await.expect(200);
    assert_eq!(
        (&listed.body["total"], &listed.body["items"][0]["givenName"]),
        (&json!(1), &json!("ada"))
    );
    school.admin.get(&format!("/v1/classes/{}/staff", Uuid::now_v7())).await.expect(404);
    school.as_user(Role::Instructor, user).post(&path, json!({"userId": user})).await.expect(403);

    let enrolled = format!("/v1/classes/{class}/enrollments");
    let teacher = school.as_user(Role::Instructor, user);
    teacher.get(&enrolled).await.expect(200);
    let refused = school.delete(&format!("/v1/users/{user}")).await.expect(409);
    assert_eq!(refused.code(), "in-use");
    school.delete(&format!("{path}/{user}")).await.expect(204);
    school.delete(&format!("{path}/{user}")).await.expect(404);
    teacher.get(&enrolled).await.expect(403);
    school.delete(&format!("/v1/users/{user}")).await.expect(204);
    school.close().await;
}

#[tokio::test]
async fn who_is_no_admin_makes_no_admin_and_lets_none_be_one_for_longer() {
    let school = School::open().await;
    let staff = school.user("ada", json!([{"role": "STAFF"}])).await;
    let staff = school.as_user(Role::Staff, staff);
    let user = |role: &str| json!({"givenName": "G", "familyName": "F", "roles": [{"role": role}]});
    let refused = staff.post("/v1/users", user("ADMIN")).await.expect(403);
    assert_eq!(refused.code(), "forbidden");
    staff.post("/v1/users", user("INSTRUCTOR")).await.expect(201);
    let until = |day: &str| json!([{"role": "ADMIN", "until": day}]);
    let admin = school.user("root", until("2030-12-31")).await;
    for day in ["2029-12-31", "2031-12-31"] {
        let changed = Some(json!({"roles": until(day)}));
        let path = format!("/v1/users/{admin}");
        staff.send(Method::PATCH, &path, changed, &[]).await.expect(403);
    }
    assert_eq!(school.count("SELECT count(*) FROM user_roles WHERE role = 'ADMIN'").await, 1);
    school.close().await;
}

#[tokio::test]
async fn who_deletes_a_student_takes_no_admin_away_with_it() {
    let school = School::open().await;
    let (student, user) = school.student("ada").await;
    let roles = json!({"roles": [{"role": "ADMIN"}]});
    school.patch(&format!("/v1/users/{user}"), roles).await.expect(200);
    let staff = school.user("bob", json!([])).await;
    let staff = school.as_user(Role::Staff, staff);
    let path = format!("/v1/students/{student}");
    staff.send(Method::DELETE, &path, None, &[]).await.expect(403);
    assert_eq!(school.count("SELECT count(*) FROM user_roles WHERE role = 'ADMIN'").await, 1);
    school.delete(&path).await.expect(204);
    school.close().await;
}
