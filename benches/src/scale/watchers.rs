//! Many who wait for news of the map, by real HTTP, as routers do; and when each of them had it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Nobody waits for longer for news that must come.
const PATIENCE: Duration = Duration::from_mins(2);

/// What each of them tells: a version, when its answer was here whole (microseconds since 1970), and its length.
type Told = (i64, i64, usize);

/// The watchers; they end when they are dropped.
#[derive(Debug)]
pub(super) struct Watchers {
    count: usize,
    told: mpsc::Receiver<Told>,
    by_version: BTreeMap<i64, Vec<(i64, usize)>>,
    _tasks: JoinSet<anyhow::Result<()>>,
}

impl Watchers {
    /// Starts them, all at one version.
    pub(super) fn start(
        url: &str,
        token: &str,
        count: usize,
        version: i64,
    ) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let (sender, told) = mpsc::channel(4 * count.max(1));
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            tasks.spawn(watch(
                http.clone(),
                url.to_owned(),
                token.to_owned(),
                version,
                sender.clone(),
            ));
        }
        Ok(Self { count, told, by_version: BTreeMap::new(), _tasks: tasks })
    }

    /// Waits until all have heard of a version or a later one. Answers when each heard of it, and the answers' length.
    pub(super) async fn hear(&mut self, version: i64) -> anyhow::Result<(Vec<i64>, usize)> {
        loop {
            let later = self.by_version.range(version..).map(|(_, told)| told.len()).sum::<usize>();
            if later >= self.count {
                let told = self.by_version.remove(&version).unwrap_or_default();
                self.by_version.clear();
                let length = told.first().map_or(0, |(_, length)| *length);
                return Ok((told.into_iter().map(|(at, _)| at).collect(), length));
            }
            let (heard, at, length) = timeout(PATIENCE, self.told.recv())
                .await
                .context("the watchers hear nothing")?
                .context("all watchers have ended")?;
            self.by_version.entry(heard).or_default().push((at, length));
        }
    }
}

async fn watch(
    http: reqwest::Client,
    url: String,
    token: String,
    mut version: i64,
    told: mpsc::Sender<Told>,
) -> anyhow::Result<()> {
    loop {
        let request = http.get(format!("{url}/v1/map?after={version}")).bearer_auth(&token);
        let answer = request.send().await?.error_for_status()?;
        let has_news = answer.status() == 200;
        let body = answer.bytes().await?;
        let at = service_kit::clock::now().timestamp_micros();
        if has_news {
            version = version_of(&body).context("an answer without a version")?;
            told.send((version, at, body.len())).await?;
        }
    }
}

/// All watchers share this machine with what is measured: so only the version is read of what each of them got.
fn version_of(body: &[u8]) -> Option<i64> {
    const MEMBER: &[u8] = b"\"version\":";
    let at = body.windows(MEMBER.len()).position(|window| window == MEMBER)?;
    let digits = body[at + MEMBER.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}
