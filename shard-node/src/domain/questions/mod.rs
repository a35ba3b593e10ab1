//! Questions, the banks that they are kept in, and the papers that are drawn from them.
//!
//! What must stay true:
//! - A version of a question is never changed: an edit makes another one, and the database lets nobody update or delete
//!   one by itself. What a student was asked can be read for good.
//! - A question is kept only if it can be drawn, and its key gets all points (`rules`).
//! - A key is read by authors alone: admins and instructors. No event and no cache entry holds one.
//! - A paper follows from blueprint, pool and seed alone (`draw`), and the seed from the institution's key (`seed`).
//!
//! Left to others: assessments, which hold blueprints and pools and give papers to students; grading (`grading`).

mod banks;
mod blueprint;
mod choose;
mod definition;
mod draw;
mod formula;
mod instantiate;
mod model;
mod paper;
mod parameters;
#[cfg(test)]
mod properties;
mod render;
mod rules;
#[cfg(test)]
mod samples;
mod seed;
mod service;
mod store;

use axum::http::Method;
use service_kit::token::{Role, Roles};

pub use banks::{NewBank, PatchBank, QuestionBank};
pub use blueprint::{
    Blueprint, Draw, Fixed, FixedItem, ITEMS_MAX, POOL_MAX, Pool, PooledQuestion, Section,
    SectionKind,
};
pub use definition::{
    Body, ChoicesParameter, ClozeBody, ClozePart, Content, DerivedParameter, Difficulty, EssayBody,
    FileBody, Formula, MatchingBody, MultipleBody, MultipleChoice, NumberAnswer, NumericBody,
    OrderingBody, Pair, Parameter, PartBody, QuestionType, RangeParameter, Scoring, ShortTextBody,
    SingleBody, SingleChoice, TextAnswer, ToleranceType, TrueFalseBody,
};
pub use draw::{DrawError, ProofFailure, draw, prove};
pub use model::{
    NewQuestion, OfQuestion, PatchQuestion, PreviewQuestion, Question, QuestionPreview,
    QuestionVersion,
};
pub use paper::{Field, Labelled, Paper, PaperItem, PaperPart, Variant};
pub use seed::{Seed, seed};
pub use store::pool_of;

use crate::operation::{Operation, roles};
use crate::resource::{self, ById, ListQuery, Page, Within};

const BANKS: &str = "/v1/question-banks";
const BANK: &str = "/v1/question-banks/{id}";
const QUESTIONS: &str = "/v1/questions";
const QUESTION: &str = "/v1/questions/{id}";
/// Those who may read keys.
const AUTHORS: Roles = roles(&[Role::Admin, Role::Instructor]);

/// The operations of banks and questions.
pub fn operations() -> Vec<Operation> {
    let all = [bank_operations(), question_operations(), reading()].into_iter().flatten();
    all.map(|operation| operation.roles(AUTHORS)).collect()
}

fn bank_operations() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<QuestionBank>, Page<QuestionBank>>(
            "assessment.listQuestionBanks",
            BANKS,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists question banks"),
        Operation::read::<ById, QuestionBank>(
            "assessment.getQuestionBank",
            BANK,
            |reader, input| Box::pin(resource::find(reader, input.id)),
        )
        .summary("Gives a question bank"),
        Operation::write::<NewBank, QuestionBank>(
            "assessment.createQuestionBank",
            BANKS,
            |work, input| Box::pin(banks::create(work, input)),
        )
        .summary("Creates a question bank")
        .status(201),
        Operation::write::<PatchBank, QuestionBank>(
            "assessment.updateQuestionBank",
            BANK,
            |work, input| Box::pin(banks::update(work, input)),
        )
        .summary("Changes a question bank")
        .method(Method::PATCH)
        .needs_if_match(),
        Operation::write::<ById, ()>("assessment.deleteQuestionBank", BANK, |work, input| {
            Box::pin(resource::remove::<QuestionBank>(work, input.id))
        })
        .summary("Deletes a question bank in which there is no question")
        .method(Method::DELETE)
        .status(204),
    ]
}

fn question_operations() -> Vec<Operation> {
    vec![
        Operation::write::<NewQuestion, Question>(
            "assessment.createQuestion",
            QUESTIONS,
            |work, input| Box::pin(service::create(work, input)),
        )
        .summary("Creates a question with its first version")
        .status(201),
        Operation::write::<PatchQuestion, Question>(
            "assessment.updateQuestion",
            QUESTION,
            |work, input| Box::pin(service::update(work, input)),
        )
        .summary("Changes a question; a new version where more than its bank and status change")
        .method(Method::PATCH)
        .needs_if_match(),
        Operation::write::<ById, ()>("assessment.deleteQuestion", QUESTION, |work, input| {
            Box::pin(resource::remove::<Question>(work, input.id))
        })
        .summary("Deletes a question with its versions; papers that were drawn keep theirs")
        .method(Method::DELETE)
        .status(204),
    ]
}

fn reading() -> Vec<Operation> {
    vec![
        Operation::read::<ListQuery<Question>, Page<Question>>(
            "assessment.listQuestions",
            QUESTIONS,
            |reader, query| Box::pin(resource::list(reader, query)),
        )
        .summary("Lists questions with their keys"),
        Operation::read::<ById, Question>("assessment.getQuestion", QUESTION, |reader, input| {
            Box::pin(resource::find(reader, input.id))
        })
        .summary("Gives a question with its key"),
        Operation::read::<Within<QuestionVersion, OfQuestion>, Page<QuestionVersion>>(
            "assessment.listQuestionVersions",
            "/v1/questions/{questionId}/versions",
            |reader, input| Box::pin(resource::list(reader, input.query)),
        )
        .summary("Lists the versions of a question"),
        Operation::read::<PreviewQuestion, QuestionPreview>(
            "assessment.previewQuestion",
            "/v1/questions/{id}:preview",
            |reader, input| Box::pin(service::preview(reader, input)),
        )
        .summary("Shows a question as a student might see it, with answers that get all points"),
    ]
}
