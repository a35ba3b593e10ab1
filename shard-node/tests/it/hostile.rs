//! S5 and more: what no client should send, to every operation of the document, over REST and tRPC. Whatever it
//! is, the answer is a 4xx of ours (or a row's own in a bulk call), soon, and the node grows by nothing.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use futures::stream::{self, StreamExt as _};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::support::school::School;

/// How long an answer may take; the fastest of a few tries counts, as the machine may be busy.
const SOON: Duration = Duration::from_secs(1);
const TRIES: usize = 4;

/// What the process may grow by over the whole corpus, in KiB.
const GROWTH_MAX_KIB: u64 = 192 * 1024;

/// One request of the corpus.
#[derive(Clone)]
struct Hostile {
    what: String,
    method: Method,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
    /// A bulk call may answer 200 with the row refused.
    bulk: bool,
}

/// An operation as the document has it.
struct Described<'d> {
    name: &'d str,
    method: Method,
    path: &'d str,
    document: &'d Value,
}

impl Described<'_> {
    /// The path with an id that is nobody's.
    fn concrete_path(&self) -> String {
        let id = Uuid::from_u128(7).to_string();
        self.path.replace("{id}", &id).replace("{classId}", &id)
    }

    /// The properties of the body, or of the query.
    fn properties(&self) -> Map<String, Value> {
        let body = &self.document["requestBody"]["content"]["application/json"]["schema"];
        if let Some(properties) = body["properties"].as_object() {
            return properties.clone();
        }
        let parameters = self.document["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        let named = of_query.map(|found| {
            (found["name"].as_str().expect("a name").to_owned(), found["schema"].clone())
        });
        named.collect()
    }

    /// Everything that the input demands, as it should be.
    fn sample(&self) -> Map<String, Value> {
        let body = &self.document["requestBody"]["content"]["application/json"]["schema"];
        let required = body["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        required.map(|name| (name.to_owned(), sample(&body["properties"][name]))).collect()
    }
}

fn sample(schema: &Value) -> Value {
    if let Some(choices) = schema["enum"].as_array() {
        return choices[0].clone();
    }
    match (kind(schema), schema["format"].as_str()) {
        ("string", Some("uuid")) => json!(Uuid::from_u128(7)),
        ("string", Some("date")) => json!("2026-09-01"),
        ("string", _) => json!("x"),
        ("integer" | "number", _) => json!(7),
        ("boolean", _) => json!(false),
        ("array", _) => json!([{}]),
        _ => json!({}),
    }
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str().unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    }
}

/// Texts that are no input of ours at all, for the whole body.
fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |open: &str, close: &str| {
        format!("{{\"x\":{}1{}}}", open.repeat(10_000), close.repeat(10_000)).into_bytes()
    };
    vec![
        ("arrays 10,000 deep", nested("[", "]")),
        ("objects 10,000 deep", nested("{\"a\":", "}")),
        ("arrays never closed", "[".repeat(100_000).into_bytes()),
        ("a huge exponent", br#"{"x":1e400}"#.to_vec()),
        ("a huge negative exponent", br#"{"x":-1e400}"#.to_vec()),
        ("400 digits", format!("{{\"x\":{}}}", "9".repeat(400)).into_bytes()),
        ("100,000 digits", format!("{{\"x\":{}}}", "9".repeat(100_000)).into_bytes()),
        ("a member twice", br#"{"x":1,"x":1}"#.to_vec()),
        ("a member twice, escaped", br#"{"x":1,"\u0078":1}"#.to_vec()),
        ("a member twice, deep", br#"{"y":[{"x":1,"x":2}]}"#.to_vec()),
        ("bad UTF-8", b"{\"x\":\"\xff\xfe\"}".to_vec()),
        ("an overlong NUL", b"{\"x\":\"\xc0\x80\"}".to_vec()),
        ("a surrogate in UTF-8", b"{\"x\":\"\xed\xa0\x80\"}".to_vec()),
        ("a bad member name", b"{\"\xff\":1}".to_vec()),
        ("a lone surrogate", br#"{"x":"\ud800"}"#.to_vec()),
        ("turned surrogates", br#"{"x":"\udc00\ud800"}"#.to_vec()),
        ("UTF-16", "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", "\u{feff}{}".as_bytes().to_vec()),
        ("a NUL byte", b"{\"x\":\"\0\"}".to_vec()),
        ("an array", b"[]".to_vec()),
        ("a number", b"7".to_vec()),
        ("a text", b"\"x\"".to_vec()),
        ("cut off", b"{\"x\":".to_vec()),
        ("a comment", b"{/* */}".to_vec()),
        ("two documents", b"{} {}".to_vec()),
        ("NaN", b"{\"x\":NaN}".to_vec()),
        ("not JSON", b"<x/>".to_vec()),
        ("a form", b"x=1&y=2".to_vec()),
        ("unknown members", br#"{"institutionId":"x","roles":["ADMIN"],"__proto__":{}}"#.to_vec()),
        ("a member named NUL", br#"{"\u0000":1}"#.to_vec()),
        ("10,000 members", {
            let members: Vec<_> = (0..10_000).map(|n| format!("\"m{n}\":{n}")).collect();
            format!("{{{}}}", members.join(",")).into_bytes()
        }),
    ]
}

/// Values that fit no property of their kind, or that a database would choke on.
fn values(schema: &Value) -> Vec<Value> {
    let of_kind = match (kind(schema), schema["format"].as_str()) {
        ("string", Some("date")) => vec![
            json!("-9999-01-01"),
            json!("+262142-12-31"),
            json!("2026-02-30"),
            json!("infinity"),
            json!("2026-09-01\0"),
        ],
        ("string", Some("uuid")) => vec![json!("7"), json!("\0"), json!("' OR 1=1 --")],
        ("integer" | "number", _) => {
            vec![json!(i64::MAX), json!(i64::MIN), json!(1e300), json!(-1), json!("NaN")]
        }
        _ => vec![json!("a\0b"), json!("\0"), json!({"$gt": ""}), json!("x".repeat(100_000))],
    };
    of_kind.into_iter().chain([json!([[]]), json!({"a": {}})]).collect()
}

const AS_JSON: (&str, &str) = ("content-type", "application/json");

fn rest(operation: &Described<'_>) -> Vec<Hostile> {
    let path = operation.concrete_path();
    let bulk = path.ends_with(":bulk");
    let made = |what: &str, path: &str, headers: &[(&'static str, &'static str)], body: Vec<u8>| {
        let what = format!("REST {} {}: {what}", operation.method, operation.path);
        let (method, headers) = (operation.method.clone(), headers.to_vec());
        Hostile { what, method, path: path.to_owned(), headers, body, bulk: false }
    };
    let mut corpus: Vec<_> =
        documents().into_iter().map(|(what, body)| made(what, &path, &[AS_JSON], body)).collect();
    let plain = Value::Object(operation.sample()).to_string().into_bytes();
    let packed = [AS_JSON, ("content-encoding", "gzip")];
    corpus.extend([
        made("compressed", &path, &packed, plain.clone()),
        made("declared as a form", &path, &[("content-type", "text/plain")], plain.clone()),
        made("undeclared", &path, &[], plain),
        made("an id with NUL", &path.replace("-0000-", "%00"), &[AS_JSON], Vec::new()),
        made("an escaped bad query", &format!("{path}?x=%ff"), &[], Vec::new()),
        made("NUL in the query", &format!("{path}?x=%00"), &[], Vec::new()),
        made("a long query", &format!("{path}?x={}", "y".repeat(20_000)), &[], Vec::new()),
        made("many parameters", &format!("{path}?{}", "a=1&".repeat(5_000)), &[], Vec::new()),
    ]);
    corpus.retain(|hostile| hostile.path != path || !hostile.body.is_empty());
    for (name, schema) in operation.properties() {
        for value in values(&schema) {
            let what = format!("{name} = {:.40}", value.to_string());
            if operation.method == Method::GET {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                // A filter may be any text, however long; it finds nothing.
                if kind(&schema) == "string" && !text.contains('\0') {
                    continue;
                }
                let query = pair(&name, text.as_bytes());
                corpus.push(made(&what, &format!("{path}?{query}"), &[], Vec::new()));
                continue;
            }
            let mut members = operation.sample();
            let rows = if name == "items" { json!([{"studentNo": value}]) } else { value };
            members.insert(name.clone(), rows);
            let body = Value::Object(members).to_string().into_bytes();
            corpus.push(Hostile { bulk, ..made(&what, &path, &[AS_JSON], body) });
        }
    }
    corpus
}

fn pair(name: &str, bytes: &[u8]) -> String {
    format!("{name}={}", form_urlencoded::byte_serialize(bytes).collect::<String>())
}

fn trpc(operation: &Described<'_>) -> Vec<Hostile> {
    let path = format!("/trpc/{}", operation.name);
    let read = operation.method == Method::GET;
    let bulk = operation.path.ends_with(":bulk");
    let made = |what: &str, input: &[u8]| {
        let what = format!("tRPC {}: {what}", operation.name);
        let headers = vec![AS_JSON];
        if read {
            let path = format!("{path}?{}", pair("input", input));
            return Hostile {
                what,
                method: Method::GET,
                path,
                headers: vec![],
                body: vec![],
                bulk,
            };
        }
        Hostile {
            what,
            method: Method::POST,
            path: path.clone(),
            headers,
            body: input.to_vec(),
            bulk,
        }
    };
    let documents = documents();
    let mut corpus: Vec<_> = documents
        .iter()
        // A query is at most what a URI holds.
        .filter(|(_, input)| !read || input.len() < 15_000)
        .map(|(what, input)| made(what, input))
        .collect();
    for (name, schema) in operation.properties() {
        for value in values(&schema) {
            if read
                && kind(&schema) == "string"
                && value.as_str().is_some_and(|text| !text.contains('\0'))
            {
                continue;
            }
            let mut input = operation.sample();
            let ids = operation.path.matches('{').count();
            input.extend((0..ids).map(|_| ("id".to_owned(), json!(Uuid::from_u128(7)))));
            let what = format!("{name} = {:.40}", value.to_string());
            let rows = if name == "items" { json!([{"studentNo": value}]) } else { value };
            input.insert(name.clone(), rows);
            corpus.push(made(&what, Value::Object(input).to_string().as_bytes()));
        }
    }
    corpus.retain(|hostile| hostile.path.len() < 60_000);
    corpus
}

/// The status, if it is wrong or late.
async fn judge(school: &School, hostile: &Hostile) -> Option<String> {
    let mut fastest = Duration::MAX;
    for _ in 0..TRIES {
        let began = Instant::now();
        let mut request = school
            .admin
            .http
            .request(hostile.method.clone(), format!("{}{}", school.served.url, hostile.path))
            .bearer_auth(&school.admin.token)
            .header("if-match", "\"1\"")
            .body(hostile.body.clone());
        for (name, value) in &hostile.headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        let row_refused = hostile.bulk && status == StatusCode::OK && text.contains("\"status\":4");
        // A busy machine's 503 says nothing about the input.
        if status != StatusCode::SERVICE_UNAVAILABLE {
            if !status.is_client_error() && !row_refused {
                return Some(format!("{}: {status} {text:.300}", hostile.what));
            }
            fastest = fastest.min(began.elapsed());
            if fastest < SOON {
                return None;
            }
        }
    }
    Some(format!("{}: took {fastest:?}", hostile.what))
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process' own figures");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

#[tokio::test]
async fn nothing_hostile_is_an_error_of_ours_in_any_operation() {
    let school = School::open().await;
    let document = school.admin.get("/openapi.json").await.expect(200).body;
    let mut corpus = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, described) in item.as_object().expect("operations") {
            let method = method.to_uppercase().parse().expect("a method");
            let name = described["operationId"].as_str().expect("a name");
            let operation = Described { name, method, path, document: described };
            let (rest, trpc) = (rest(&operation), trpc(&operation));
            assert!(rest.len() >= 30, "{path}: only {} by REST", rest.len());
            assert!(trpc.len() >= 25, "{path}: only {} by tRPC", trpc.len());
            corpus.extend(rest);
            corpus.extend(trpc);
        }
    }
    let before = resident_kib();
    let judged = stream::iter(&corpus).map(|hostile| judge(&school, hostile)).buffer_unordered(4);
    let wrong: Vec<String> = judged.filter_map(std::future::ready).collect().await;
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), corpus.len(), wrong.join("\n"));
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more after {} requests", corpus.len());
    school.admin.get("/v1/programs").await.expect(200);
    school.close().await;
}

#[tokio::test]
async fn a_nul_in_one_row_refuses_that_row_and_says_where() {
    let school = School::open().await;
    let row = |number: &str, name: &str| json!({"studentNo": number, "givenName": name, "familyName": "F"});
    let items = json!({"items": [row("1", "Ada"), row("2", "A\0da")]});
    let answer = school.admin.post("/v1/students:bulk", items).await.expect(200);
    assert_eq!(answer.body["items"][0]["status"], 201);
    assert_eq!(answer.body["items"][1]["status"], 400);
    assert_eq!(answer.body["items"][1]["error"]["errors"][0]["pointer"], "/items/1/givenName");
    let alone = school.admin.post("/v1/students", row("3", "\0")).await.expect(400);
    assert_eq!(
        (alone.code(), &alone.body["errors"][0]["pointer"]),
        ("invalid-input", &json!("/givenName"))
    );
    school.close().await;
}

#[tokio::test]
async fn a_bulk_call_has_rows() {
    let school = School::open().await;
    let class = school.class(1, 0).await;
    for path in ["/v1/students:bulk".to_owned(), format!("/v1/classes/{class}/enrollments:bulk")] {
        let empty = school.admin.post(&path, json!({"items": []})).await.expect(400);
        assert_eq!(empty.body["errors"][0]["pointer"], "/items");
    }
    school.close().await;
}

#[tokio::test]
async fn a_filter_is_read_as_the_database_reads_it() {
    let school = School::open().await;
    let student = school.students(1).await[0];
    let found = school.admin.get(&format!("/v1/students?id=urn:uuid:{student}")).await.expect(200);
    assert_eq!(found.body["total"], 1);
    school.admin.get("/v1/term-systems?termsPerYear=%2B2").await.expect(200);
    school.admin.get("/v1/term-systems?sort=id,-id").await.expect(400);
    // A cursor of years that no database has: hex of ["+99999-01-01T00:00:00Z","0000...7"].
    let values = json!(["+99999-01-01T00:00:00Z", Uuid::from_u128(7)]).to_string();
    let cursor = values.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    school.admin.get(&format!("/v1/students?cursor={cursor}")).await.expect(400);
    school.close().await;
}

#[tokio::test]
async fn an_error_points_at_what_is_wrong() {
    let school = School::open().await;
    let pointers = |body: &Value| -> Vec<String> {
        let errors = body["errors"].as_array().expect("errors").iter();
        errors.map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect()
    };
    let id = Uuid::from_u128(7);
    for (path, at) in [
        ("/v1/programs?sort=nope".to_owned(), "/sort"),
        ("/v1/programs?nope=1".to_owned(), "/nope"),
        ("/v1/programs?status=NOPE".to_owned(), "/status"),
        ("/v1/terms?startsOn=-0001-01-01".to_owned(), "/startsOn"),
        (format!("/v1/classes/{id}/enrollments?limit=0"), "/limit"),
        ("/v1/classes/7/enrollments".to_owned(), "/classId"),
    ] {
        let refused = school.admin.get(&path).await.expect(400);
        assert_eq!(pointers(&refused.body), [at], "{path}");
    }
    let allowed =
        school.admin.get("/v1/programs?status=NOPE").await.body["errors"][0]["detail"].clone();
    assert!(allowed.as_str().expect("a sentence").contains("DRAFT, ACTIVE, ARCHIVED"), "{allowed}");
    let item = json!({"course": "C", "year": "one", "term": 1});
    let template = json!({"code": "T", "version": 1, "years": 3, "items": [item]});
    let program = json!({"code": "P", "name": "P", "curriculumTemplate": template});
    let refused = school.admin.post("/v1/programs", program).await.expect(400);
    assert_eq!(pointers(&refused.body), ["/curriculumTemplate/items/0/year"]);
    let row = |number: &str, email: &str| json!({"studentNo": number, "givenName": "G", "familyName": "F", "email": email});
    let items =
        json!({"atomic": true, "items": [row("1", "a@example.edu"), row("2", "no address")]});
    let refused = school.admin.post("/v1/students:bulk", items).await.expect(422);
    assert_eq!(pointers(&refused.body), ["/items/1/email"]);
    school.close().await;
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let school = School::open().await;
    let mut head = school.admin.send(Method::HEAD, "/v1/programs", None, &[]).await;
    // No body says that the node is overloaded.
    for _ in 0..20 {
        if head.status != StatusCode::SERVICE_UNAVAILABLE {
            break;
        }
        head = school.admin.send(Method::HEAD, "/v1/programs", None, &[]).await;
    }
    let head = head.expect(200);
    assert_eq!(head.headers["content-type"], "application/json");
    assert_eq!(head.body, Value::Null);
    school.close().await;
}
