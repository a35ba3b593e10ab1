//! Prometheus metrics, all named `lxp_*`. Paths are route templates, never ids; no label by institution.

use http::StatusCode;
use prometheus::{Encoder, HistogramVec, IntCounterVec, IntGauge, Registry, TextEncoder};

/// Upper bounds of response times, in seconds: 1 ms to 10 s.
pub const RESPONSE_TIME_BUCKETS_S: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of every HTTP service, and the registry for those of its own.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Where a service registers metrics of its own.
    pub registry: Registry,
    /// `lxp_requests_total{path,method,status}`.
    pub requests: IntCounterVec,
    /// `lxp_response_time_seconds{path}`.
    pub response_time_s: HistogramVec,
    /// `lxp_requests_in_flight`.
    pub in_flight: IntGauge,
}

impl Metrics {
    /// Registers them; fails only where a name is taken twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            prometheus::opts!("lxp_requests_total", "Requests answered"),
            &["path", "method", "status"],
        )?;
        let response_time_s = HistogramVec::new(
            prometheus::histogram_opts!(
                "lxp_response_time_seconds",
                "Seconds from a request's head to its answer's end",
                RESPONSE_TIME_BUCKETS_S.to_vec()
            ),
            &["path"],
        )?;
        let in_flight = IntGauge::new("lxp_requests_in_flight", "Requests being answered now")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(response_time_s.clone()))?;
        registry.register(Box::new(in_flight.clone()))?;
        Ok(Self { registry, requests, response_time_s, in_flight })
    }

    /// Counts an answered request.
    pub fn answered(&self, path: &str, method: &str, status: u16, seconds: f64) {
        // A status as text without making one: every request comes by here.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.requests.with_label_values(&[path, method, status.as_str()]).inc();
        self.response_time_s.with_label_values(&[path]).observe(seconds);
    }

    /// Everything in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(error = %error, "Metrics could not be rendered");
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}
