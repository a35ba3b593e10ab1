//! What a service publishes on its admin page, in Prometheus' text format: as much of it as `lxp` and the console read.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;

/// The samples of one page.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<(String, f64)>);

/// Reads the page of the service whose admin pages are at `admin_url`.
pub async fn fetch(admin_url: &str, within: Duration) -> anyhow::Result<Samples> {
    let url = format!("{}/metrics", admin_url.trim_end_matches('/'));
    let answer = client()?
        .get(&url)
        .timeout(within)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    let answer = answer.with_context(|| format!("{url} does not answer"))?;
    Ok(Samples::parse(&answer.text().await?))
}

/// One for all pages: to make one reads the system's certificates. It keeps no connection.
fn client() -> anyhow::Result<&'static reqwest::Client> {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    if let Some(made) = CLIENT.get() {
        return Ok(made);
    }
    let made = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
    Ok(CLIENT.get_or_init(|| made))
}

impl Samples {
    /// Reads a page's text; lines that are none of a sample are passed over.
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        });
        Self(samples.collect())
    }

    /// The sum over all samples of a name whose labels `counts` takes; none where there is no such sample.
    pub fn sum(&self, name: &str, counts: impl Fn(&str) -> bool) -> Option<f64> {
        let of_name = self.0.iter().filter_map(|(series, value)| {
            let labels = series.strip_prefix(name)?;
            let is_it = labels.is_empty() || labels.starts_with('{');
            (is_it && counts(labels)).then_some(*value)
        });
        of_name.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_a_name_are_summed_up_by_their_labels() {
        let page = "# TYPE x_total counter\nx_total{status=\"200\"} 3\nx_total{status=\"503\"} 2\nx_total_more 9\ny 1.5\n";
        let samples = Samples::parse(page);
        assert_eq!(samples.sum("x_total", |_| true), Some(5.0));
        assert_eq!(samples.sum("x_total", |labels| labels.contains("503")), Some(2.0));
        assert_eq!(samples.sum("y", |_| true), Some(1.5));
        assert_eq!(samples.sum("z", |_| true), None);
    }
}
