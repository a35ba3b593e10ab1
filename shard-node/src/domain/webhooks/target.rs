//! What a webhook's URL may be. Pure; what its name leads to is looked at when it is sent to (`send`).

use std::net::IpAddr;

use reqwest::Url;

use super::Addresses;
use super::address::refused;

/// The longest URL, in characters.
pub(super) const URL_MAX: usize = 2_000;

/// Names that lead nowhere in public, with what is below them.
const NAMES: [&str; 6] = ["localhost", "local", "internal", "lan", "home.arpa", "onion"];

/// Ports below 1024 that are taken outside of local mode.
const LOW_PORT: u16 = 443;

/// The URL, or why it is none of a webhook.
pub(super) fn target(text: &str, addresses: Addresses) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "an absolute URL is expected")?;
    if text.chars().count() > URL_MAX || url.as_str().chars().count() > URL_MAX {
        return Err("at most 2,000 characters are expected");
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err("https is expected");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL without user and password is expected");
    }
    if url.fragment().is_some() {
        return Err("a URL without a fragment is expected");
    }
    match addresses {
        Addresses::Any => Ok(url),
        Addresses::Public => public(url),
    }
}

fn public(url: Url) -> Result<Url, &'static str> {
    if url.scheme() != "https" {
        return Err("https is expected");
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if port < 1024 && port != LOW_PORT {
        return Err("port 443, or one from 1024 on, is expected");
    }
    let host = url.host_str().unwrap_or_default();
    let is_refused = match literal(host) {
        Some(ip) => refused(ip).is_some(),
        None => is_private_name(host),
    };
    if is_refused { Err("a public address is expected") } else { Ok(url) }
}

/// The address that a URL's host is, where it is one: the parser has brought every way to write it to one form.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_private_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let below = |name: &str| host.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
    !host.contains('.') || NAMES.iter().any(|name| host == *name || below(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_by_https_is_taken() {
        for text in [
            "https://hooks.example.edu/lxp?key=1",
            "https://example.edu:8443/",
            "https://1.1.1.1/x",
            "https://[2606:4700:4700::1111]/",
            "https://local.example.edu/",
        ] {
            assert!(target(text, Addresses::Public).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_leads_inside_is_refused_however_it_is_written() {
        for text in [
            "http://hooks.example.edu/",
            "ftp://example.edu/",
            "file:///etc/passwd",
            "hooks",
            "https://",
            "https://user:pass@example.edu/",
            "https://user@example.edu/",
            "https://example.edu/#x",
            "https://example.edu:22/",
            "https://example.edu:80/",
            "https://example.edu:25/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://router/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://0/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[fd00:ec2::254]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
        ] {
            assert!(target(text, Addresses::Public).is_err(), "{text} is taken");
        }
        let long = format!("https://example.edu/{}", "x".repeat(URL_MAX));
        assert!(target(&long, Addresses::Public).is_err());
    }

    #[test]
    fn a_developers_node_sends_anywhere_by_http() {
        for text in ["http://127.0.0.1:9/x", "https://localhost/", "http://[::1]:8080/"] {
            assert!(target(text, Addresses::Any).is_ok(), "{text}");
        }
        for text in ["ftp://127.0.0.1/", "http://a:b@127.0.0.1/", "x"] {
            assert!(target(text, Addresses::Any).is_err(), "{text}");
        }
    }
}
