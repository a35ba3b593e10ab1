//! Use cases of students.

use uuid::Uuid;

use super::model::{BulkStudents, NewStudent, PatchStudent, Student};
use super::rules::{self, Planned};
use super::store;
use crate::domain::{attempts, users};
use crate::error::Error;
use crate::operation::{Reader, Reply, Work};
use crate::policy::{self, About, Relation};
use crate::resource::bulk::{self, BulkAnswer};
use crate::resource::{self, ListQuery, Page};

/// Gives a student; to a student only the one that it is, to a guardian those for whom they answer.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<Student, Error> {
    let student = resource::find::<Student>(reader, id).await?;
    let caller = &reader.caller;
    let is_own = caller.relations.contains(Relation::Own) && student.user_id == caller.subject;
    if !caller.relations.is_any() && !is_own {
        let mut tx = reader.begin().await?;
        reader.expect(&mut tx, About::student(id)).await?;
        tx.commit().await?;
    }
    Ok(student)
}

/// Lists students: those whom the caller may see.
pub(super) async fn list(
    reader: &Reader,
    query: ListQuery<Student>,
) -> Result<Page<Student>, Error> {
    let mut tx = reader.begin().await?;
    let visible = policy::visible_students(&mut tx, &reader.caller).await?;
    let page = resource::list_where(&mut tx, query.among("id", visible)).await?;
    tx.commit().await?;
    Ok(page)
}

/// Creates a student and its user.
pub(super) async fn create(work: &mut Work, new: NewStudent) -> Result<Reply<Student>, Error> {
    let planned = Planned { id: Uuid::now_v7(), user_id: Uuid::now_v7(), new };
    store::insert(work.tx(), &planned).await?;
    resource::created(work, planned.id, super::PATH).await
}

/// Changes a student and its user; the row version rises once, whichever of them it was. What the student sits just now
/// lasts as long as is granted from now on.
pub(super) async fn update(work: &mut Work, patch: PatchStudent) -> Result<Reply<Student>, Error> {
    let before = resource::lock::<Student>(work, patch.id).await?;
    let granted = extra_time_percent(&before);
    let student = patch.apply_to(before);
    store::update_user(work.tx(), &student).await?;
    store::update(work.tx(), &student).await?;
    if extra_time_percent(&student) != granted {
        attempts::retime_student(work, student.id).await?;
    }
    resource::updated(work, student.id).await
}

fn extra_time_percent(student: &Student) -> i32 {
    student.accommodations.as_ref().map_or(0, |granted| granted.extra_time_percent)
}

/// Deletes a student that nothing refers to, with its user and the roles that it has.
pub(super) async fn delete(work: &mut Work, id: Uuid) -> Result<Reply<()>, Error> {
    let student = resource::lock::<Student>(work, id).await?;
    users::lock_to_delete(work, student.user_id).await?;
    let reply = resource::remove::<Student>(work, id).await?;
    store::delete_user(work.tx(), student.user_id).await?;
    Ok(reply)
}

/// Creates many students with a constant number of statements. A number or external id that somebody else
/// takes at the same moment fails as a race does: the transaction is run again and sees who has it.
pub(super) async fn create_all(
    work: &mut Work,
    input: BulkStudents,
) -> Result<Reply<BulkAnswer>, Error> {
    let rows = bulk::decode_rows::<NewStudent>(input.items);
    let wanted: Vec<&NewStudent> = rows.iter().flatten().collect();
    let known = store::known(work.tx(), &wanted).await?;
    let (planned, results) = rules::plan(rows, known, Uuid::now_v7);
    let answer = bulk::settle(input.atomic, results)?;
    store::insert_all(work.tx(), &planned).await?;
    let ids: Vec<Uuid> = planned.iter().map(|planned| planned.id).collect();
    bulk::created_all::<Student>(work, &ids).await?;
    Ok(Reply::ok(answer))
}
