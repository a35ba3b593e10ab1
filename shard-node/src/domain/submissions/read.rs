//! Submissions as they are listed and read, and their receipts.

use axum::http::StatusCode;
use serde_json::Value;
use service_kit::Problem;
use service_kit::token::Role;
use uuid::Uuid;

use super::items::{self, ItemScore};
use super::model::{ReceiptVerdict, Submission, SubmissionDetail, VerifyReceipt};
use super::views::{Own, STUDENT, Taught, TaughtOrOwn, USER};
use super::{corrected, store};
use crate::domain::assessments::decode;
use crate::domain::attempts::SubmissionStatus;
use crate::domain::attempts::receipt::Receipt;
use crate::domain::grading::VariantKey;
use crate::domain::questions::Paper;
use crate::domain::{attempts, keys};
use crate::error::Error;
use crate::operation::{Caller, Reader, Reply, Work};
use crate::policy::{self, About, Relation, teaches};
use crate::resource::{self, ById, ListQuery, Page, Resource};
use crate::store::TenantTx;

/// Lists submissions: those of the classes that the caller teaches, and the caller's own without what is not released.
pub(super) async fn list(
    reader: &Reader,
    query: ListQuery<Submission>,
) -> Result<Page<Submission>, Error> {
    let mut tx = reader.begin().await?;
    let relations = reader.caller.relations;
    let user = reader.caller.subject.to_string();
    let page = if relations.is_any() {
        resource::list_where(&mut tx, query).await?
    } else {
        match (relations.contains(Relation::Teaches), relations.contains(Relation::Own)) {
            (true, true) => seen_by::<TaughtOrOwn>(&mut tx, query, (USER, user)).await?,
            (true, false) => seen_by::<Taught>(&mut tx, query, (USER, user)).await?,
            (false, _) => {
                let own = policy::visible_students(&mut tx, &reader.caller).await?;
                let own = own.and_then(|own| own.first().copied()).unwrap_or_default();
                seen_by::<Own>(&mut tx, query, (STUDENT, own.to_string())).await?
            }
        }
    };
    tx.commit().await?;
    Ok(page)
}

async fn seen_by<V: Resource>(
    tx: &mut TenantTx,
    query: ListQuery<Submission>,
    (name, whose): (&'static str, String),
) -> Result<Page<Submission>, Error> {
    Ok(resource::list_where(tx, query.of::<V>().with_filter(name, whose)).await?.of())
}

/// Gives one with paper, answers and points, as far as the caller may see them.
pub(super) async fn get(reader: &Reader, id: Uuid) -> Result<SubmissionDetail, Error> {
    let mut tx = reader.begin().await?;
    let found: Submission = resource::load_required(&mut tx, id).await?;
    let is_student = !is_staff(&mut tx, &reader.caller, &found).await?;
    let detail = detail_at(&mut tx, id, is_student, Some(reader.node.now())).await?;
    tx.commit().await?;
    Ok(detail)
}

/// Whether the caller sees a submission whole; 404 where not at all.
async fn is_staff(tx: &mut TenantTx, caller: &Caller, of: &Submission) -> Result<bool, Error> {
    if caller.relations.is_any() {
        return Ok(true);
    }
    if caller.relations.contains(Relation::Teaches)
        && caller.roles.contains(Role::Instructor)
        && teaches(tx, of.class_id, caller.subject).await?
    {
        return Ok(true);
    }
    let about = About::student(of.student_id).hidden(Submission::NOUN);
    policy::expect(tx, caller, about).await?;
    Ok(false)
}

/// A submission with paper, answers and points, without its key.
pub(super) async fn detail(
    tx: &mut TenantTx,
    id: Uuid,
    is_student: bool,
) -> Result<SubmissionDetail, Error> {
    detail_at(tx, id, is_student, None).await
}

async fn detail_at(
    tx: &mut TenantTx,
    id: Uuid,
    is_student: bool,
    now: Option<chrono::DateTime<chrono::Utc>>,
) -> Result<SubmissionDetail, Error> {
    let submission = if is_student {
        resource::load_required::<Own>(tx, id).await?.row
    } else {
        resource::load_required::<Submission>(tx, id).await?
    };
    let release = store::release_of(tx, submission.assessment_id).await?;
    let key = store::variant_key(tx, id).await?;
    let items =
        if is_student && !submission.released { Vec::new() } else { scores(tx, id, &key).await? };
    let paper = paper(tx, id).await?;
    // Whatever became of the assessment: who is still at it has no key.
    let has_ended = submission.status != SubmissionStatus::InProgress;
    let key = if has_ended && now.is_some_and(|now| release.shows_key(now)) {
        Some(right(tx, &submission, &paper, key).await?)
    } else {
        None
    };
    let answers = attempts::answers_of(tx, id).await?;
    Ok(SubmissionDetail { submission, paper, answers, items, key })
}

/// What was right, as far as it was corrected since.
async fn right(
    tx: &mut TenantTx,
    of: &Submission,
    paper: &Paper,
    key: Value,
) -> Result<Value, Error> {
    let Some(correction) = corrected::newest(tx, of.assessment_id).await? else { return Ok(key) };
    let key: VariantKey = decode(key, "a key")?;
    let key = correction.key(store::drawn(tx, of.id).await?, &key, paper);
    serde_json::to_value(&key).map_err(|_| Error::Defect("a key does not encode".to_owned()))
}

async fn scores(tx: &mut TenantTx, id: Uuid, key: &Value) -> Result<Vec<ItemScore>, Error> {
    let key: VariantKey = decode(key.clone(), "a key")?;
    Ok(items::all(&key, &store::kept(tx, id).await?))
}

/// The paper of a submission.
pub(crate) async fn paper(tx: &mut TenantTx, id: Uuid) -> Result<Paper, Error> {
    decode(store::variant(tx, id).await?, "a paper")
}

/// Gives the receipt of what was handed in.
pub(super) async fn receipt(reader: &Reader, input: ById) -> Result<Receipt, Error> {
    let mut tx = reader.begin().await?;
    let found: Submission = resource::load_required(&mut tx, input.id).await?;
    is_staff(&mut tx, &reader.caller, &found).await?;
    let receipt = attempts::receipt(&mut tx, input.id).await?.ok_or_else(not_submitted)?;
    tx.commit().await?;
    Ok(receipt)
}

/// Looks at a receipt: whether the institution has signed it, and whether what is kept is what it says.
pub(super) async fn verify(
    work: &mut Work,
    input: VerifyReceipt,
) -> Result<Reply<ReceiptVerdict>, Error> {
    let caller = work.caller.clone();
    let institution = caller.institution.as_uuid();
    let found: Submission = resource::load_required(work.tx(), input.id).await?;
    is_staff(work.tx(), &caller, &found).await?;
    let key = keys::institution_key(work.tx()).await?;
    let says = input.receipt.says(institution);
    let signed = says.as_ref().is_some_and(|(it, signature)| it.is_signed(&key, signature));
    let kept = attempts::receipt(work.tx(), input.id).await?;
    let answers = attempts::answers_of(work.tx(), input.id).await?;
    let hash = attempts::receipt::hash(&answers);
    let matches = says.is_some_and(|(it, _)| it.submission == input.id && it.hash == hash);
    let valid = signed && matches && kept.is_some_and(|kept| kept == input.receipt);
    Ok(Reply::ok(ReceiptVerdict { valid, signed, matches }))
}

fn not_submitted() -> Error {
    Problem::new(StatusCode::CONFLICT, "not-submitted", "It was not handed in yet")
        .detail("a receipt is there once the attempt was handed in")
        .into()
}
