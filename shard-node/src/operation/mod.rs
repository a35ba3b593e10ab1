//! An operation: one thing the API can do, declared once, served as REST, as tRPC and in `/openapi.json`.
//!
//! What must stay true:
//! - A route that is not an [`Operation`] does not exist: REST, tRPC and the OpenAPI document are read from the
//!   same list (`crate::operations`).
//! - Input is one JSON object, whatever it came as: path, query and body are merged, and unknown members are
//!   refused by name. So nothing can be assigned that an input does not declare.
//! - A write runs in one transaction, which also holds its idempotency key and its events.

mod answer;
mod caller;
pub mod execute;
mod idempotency;
mod input;
mod queue;
mod read;
mod reader;
pub mod schema;
mod session;
mod work;

use axum::http::Method;
use futures::future::BoxFuture;
use garde::Validate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use service_kit::token::{Role, Roles};
use utoipa::ToSchema;

pub use answer::{Answer, Body, Reply};
pub use caller::{Caller, IfMatch, forbidden, idempotency_key, if_match};
pub use input::{decode, invalid};
pub use queue::{Queues, Turn};
pub use reader::Reader;
pub use schema::Schemas;
pub use session::Session;
pub(crate) use work::Finished;
pub use work::{Event, Work};

use crate::cache::Encoded;
use crate::error::Error;

/// Admin and staff: those who run the institution.
pub const OFFICE: Roles = roles(&[Role::Admin, Role::Staff]);
/// Everybody with a token of the institution.
pub const EVERYONE: Roles = roles(&[
    Role::Admin,
    Role::Staff,
    Role::Instructor,
    Role::Student,
    Role::Guardian,
    Role::ApiClient,
]);

/// A set of roles, for tables of operations.
pub const fn roles(list: &[Role]) -> Roles {
    let mut set = Roles::empty();
    let mut index = 0;
    while index < list.len() {
        set = set.with(list[index]);
        index += 1;
    }
    set
}

/// What an operation takes.
pub trait Input: DeserializeOwned + Validate<Context = ()> + ToSchema + Send + 'static {}
impl<T: DeserializeOwned + Validate<Context = ()> + ToSchema + Send + 'static> Input for T {}

/// What an operation gives.
pub trait Output: Serialize + ToSchema + Send + 'static {}
impl<T: Serialize + ToSchema + Send + 'static> Output for T {}

/// The service function of a read.
pub type ServeRead<I, O> = for<'r> fn(&'r Reader, I) -> BoxFuture<'r, Result<O, Error>>;

/// The service function of a read whose result comes as it is sent.
pub type ServeEncoded<I, O> = for<'r> fn(&'r Reader, I) -> BoxFuture<'r, Result<Encoded<O>, Error>>;

/// The service function of a write.
pub type ServeWrite<I, O> = for<'w> fn(&'w mut Work, I) -> BoxFuture<'w, Result<Reply<O>, Error>>;

type ReadHandler =
    Box<dyn Fn(Reader, Value) -> BoxFuture<'static, Result<Answer, Error>> + Send + Sync>;
type WriteHandler =
    Box<dyn for<'w> Fn(&'w mut Work, Value) -> BoxFuture<'w, Result<Answer, Error>> + Send + Sync>;

/// How it runs.
pub enum Handler {
    /// Changes nothing; may be answered from a cache.
    Read(ReadHandler),
    /// Runs in one transaction.
    Write(WriteHandler),
}

/// One thing the API can do.
pub struct Operation {
    /// The tRPC procedure and OpenAPI operation id, such as `academic.createProgram`.
    pub name: &'static str,
    /// The method of its REST route.
    pub method: Method,
    /// The template of its REST route, such as `/v1/programs/{id}`; `:verb` may follow a segment.
    pub path: &'static str,
    /// One sentence for the documentation.
    pub summary: &'static str,
    /// Who may call it; relations (self, instructor of the class) are the service's to check.
    pub roles: Roles,
    /// The status of a success.
    pub status: u16,
    /// JSON schemas of input and output.
    pub schemas: Schemas,
    /// How it runs.
    pub handler: Handler,
    /// Whether it demands `If-Match`.
    pub needs_if_match: bool,
    /// The member of the input that names what its callers contend for.
    pub queues_at: Option<&'static str>,
    /// Whether its answer is kept under an `Idempotency-Key`.
    pub keeps_answer: bool,
    /// Members of its answer that are not kept: they are shown once.
    pub shown_once: &'static [&'static str],
}

impl Operation {
    /// An operation that changes nothing. `GET`.
    pub fn read<I: Input, O: Output>(
        name: &'static str,
        path: &'static str,
        serve: ServeRead<I, O>,
    ) -> Self {
        let handler: ReadHandler = Box::new(move |reader, input| {
            Box::pin(async move {
                let input = input::decode::<I>(input)?;
                Answer::encode(Reply::ok(serve(&reader, input).await?))
            })
        });
        Self::new(name, Method::GET, path, Schemas::of::<I, O>(), Handler::Read(handler))
    }

    /// The same, where what the caches hold is sent as it is.
    pub fn read_encoded<I: Input, O: Output + DeserializeOwned>(
        name: &'static str,
        path: &'static str,
        serve: ServeEncoded<I, O>,
    ) -> Self {
        let handler: ReadHandler = Box::new(move |reader, input| {
            Box::pin(async move {
                let input = input::decode::<I>(input)?;
                Ok(Answer::encoded(serve(&reader, input).await?))
            })
        });
        Self::new(name, Method::GET, path, Schemas::of::<I, O>(), Handler::Read(handler))
    }

    /// An operation that runs in one transaction. `POST` unless [`Operation::method`] says otherwise.
    pub fn write<I: Input, O: Output>(
        name: &'static str,
        path: &'static str,
        serve: ServeWrite<I, O>,
    ) -> Self {
        let handler: WriteHandler = Box::new(move |work, input| {
            Box::pin(async move {
                let input = input::decode::<I>(input)?;
                Answer::encode(serve(work, input).await?)
            })
        });
        Self::new(name, Method::POST, path, Schemas::of::<I, O>(), Handler::Write(handler))
    }

    fn new(
        name: &'static str,
        method: Method,
        path: &'static str,
        schemas: Schemas,
        handler: Handler,
    ) -> Self {
        Self {
            name,
            method,
            path,
            summary: "",
            roles: OFFICE,
            status: 200,
            schemas,
            handler,
            needs_if_match: false,
            queues_at: None,
            keeps_answer: true,
            shown_once: &[],
        }
    }

    /// Says another method.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Says what it does, in one sentence.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Says who may call it; without it, admin and staff.
    #[must_use]
    pub fn roles(mut self, roles: Roles) -> Self {
        self.roles = roles;
        self
    }

    /// Says the status of a success; without it, 200.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Demands `If-Match`: 428 without it.
    #[must_use]
    pub fn needs_if_match(mut self) -> Self {
        self.needs_if_match = true;
        self
    }

    /// Names the member of the input for whose row its callers wait in the process, not in the database.
    #[must_use]
    pub fn queues_at(mut self, member: &'static str) -> Self {
        self.queues_at = Some(member);
        self
    }

    /// Keeps no answer, whatever key comes with the request: one that holds a secret, or one of an operation that can be
    /// repeated as it is.
    #[must_use]
    pub fn keeps_no_answer(mut self) -> Self {
        self.keeps_answer = false;
        self
    }

    /// Keeps its answer without these members: secrets. Who asks again with the key has the rest.
    #[must_use]
    pub fn shows_once(mut self, members: &'static [&'static str]) -> Self {
        self.shown_once = members;
        self
    }

    /// Whether a client may ask for an answer that lags: lists and statistics, which their names say.
    pub fn may_lag(&self) -> bool {
        let verb = self.name.rsplit('.').next().unwrap_or_default();
        self.is_read() && (verb.starts_with("list") || verb.ends_with("Stats"))
    }

    /// Whether it takes many rows in one call.
    pub fn is_bulk(&self) -> bool {
        self.path.ends_with(":bulk")
    }

    /// Whether it changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self.handler, Handler::Read(_))
    }
}
