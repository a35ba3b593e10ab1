//! R17: clients that go away in the middle of a transaction leave no open transaction and no tenant behind.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::school::School;

const CLIENTS: usize = 500;
const CONNECTIONS: u32 = 6;

/// Sends a whole request and goes away: at once, or a little later, while its transaction runs.
async fn send_and_leave(url: &str, token: &str, number: usize) {
    let body = json!({"code": format!("C{number}"), "title": "Left alone"}).to_string();
    let request = format!(
        "POST /v1/courses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    // Spreads the moment of leaving over the life of a request; no outcome hangs on its length.
    tokio::time::sleep(Duration::from_micros((number % 50) as u64 * 100)).await;
    drop(stream);
}

#[tokio::test]
async fn clients_that_leave_leave_nothing_behind() {
    let school = School::open().await;
    let (url, token) = (school.admin.url.clone(), school.admin.token.clone());
    for batch in 0..CLIENTS / 20 {
        join_all((0..20).map(|number| send_and_leave(&url, &token, batch * 20 + number))).await;
    }
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND pid <> pg_backend_pid() AND state <> 'idle'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while school.count(open).await > 0 {
        assert!(Instant::now() < deadline, "a transaction is open that nobody waits for");
    }
    let pool = &school.served.node.pool;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(pool.acquire().await.expect("every connection is free"));
    }
    for connection in &mut connections {
        let tenant: String =
            sqlx::query_scalar("SELECT coalesce(current_setting('app.institution_id', true), '')")
                .fetch_one(&mut **connection)
                .await
                .expect("a clean connection");
        assert_eq!(tenant, "", "a tenant's setting is left in the pool");
    }
    drop(connections);
    // Whatever was begun was finished: each course has its default subject and its event.
    let odd = "SELECT count(*) FROM courses c WHERE NOT EXISTS (SELECT FROM outbox_events e WHERE e.aggregate_id = c.id)";
    assert_eq!(school.count(odd).await, 0);
    assert!(
        school.count("SELECT count(*) FROM courses").await > 0,
        "no request reached the database"
    );
    school.close().await;
}
