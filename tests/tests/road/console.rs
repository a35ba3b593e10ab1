//! The console in a real browser: nothing from elsewhere, light and dark, narrow and wide, by keyboard, live.

use std::collections::BTreeSet;

use lxp_tests::{Browser, Institution, Platform};
use reqwest::Method;
use serde_json::json;

const PAGES: [&str; 4] = ["/console", "/console/shards", "/console/moves", "/console/institutions"];

/// A browser at the overview: signed in through the form, by keyboard.
async fn signed_in(platform: &Platform) -> Browser {
    let mut browser = Browser::start().await;
    let (url, token) = platform.operator();
    browser.open(url).await;
    browser.until("document.activeElement.id === 'token'").await;
    browser.type_text(token).await;
    browser.press("Enter").await;
    browser.until("document.querySelector('h1')?.textContent === 'Overview'").await;
    browser
}

/// Its pages, and that of one institution.
fn pages(platform: &Platform, institution: &Institution) -> Vec<String> {
    let (url, _) = platform.operator();
    let mut pages: Vec<_> = PAGES.iter().map(|path| format!("{url}{path}")).collect();
    pages.push(format!("{url}/console/institutions/{}", institution.id));
    pages
}

#[tokio::test]
async fn pages_need_nothing_from_elsewhere_and_fit_light_and_dark_narrow_and_wide() {
    let platform = Platform::shared();
    let institution = platform.institution(None).await;
    let mut browser = signed_in(&platform).await;
    for page in pages(&platform, &institution) {
        browser.open(&page).await;
        browser.until("document.getElementById('liveness').textContent === 'Live.'").await;
        for (width, scheme) in [(375, "light"), (375, "dark"), (1280, "dark"), (1280, "light")] {
            browser.look(width, scheme).await;
            let over = browser.eval("document.documentElement.scrollWidth - innerWidth").await;
            assert!(over.as_i64().is_some_and(|over| over <= 0), "{page} at {width}: {over}");
            let ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] * 1";
            let ground = browser.eval(ground).await.as_i64().expect("a colour");
            assert_eq!(ground < 128, scheme == "dark", "{page} is {scheme}: {ground}");
        }
    }
    assert_eq!(browser.errors(), Vec::<&serde_json::Value>::new());
    let (url, _) = platform.operator();
    let elsewhere: Vec<_> =
        browser.requests().into_iter().filter(|it| !it.starts_with(url)).collect();
    assert!(elsewhere.is_empty() && browser.requests().len() > 10, "{elsewhere:?}");
    browser.close().await;
}

#[tokio::test]
async fn tab_reaches_what_can_be_used_in_sight_and_enter_uses_it() {
    let platform = Platform::shared();
    let institution = platform.institution(None).await;
    let mut browser = signed_in(&platform).await;
    // What is said of each: where it leads, or what it is.
    let name = "(it) => it.getAttribute('href') || it.id || it.textContent.trim()";
    for page in pages(&platform, &institution) {
        browser.open(&page).await;
        // News would change the list meanwhile.
        browser.eval("dispatchEvent(new Event('pagehide')), true").await;
        let all = format!("[...document.querySelectorAll('a[href], button, input')].map({name})");
        let all = browser.eval(&all).await;
        let wanted: BTreeSet<_> =
            all.as_array().expect("a list").iter().map(ToString::to_string).collect();
        let mut reached = BTreeSet::new();
        for _ in 0..wanted.len() * 2 + 20 {
            browser.press("Tab").await;
            let seen = format!(
                "(() => {{ const it = document.activeElement, box = it.getBoundingClientRect(), shown = getComputedStyle(it);
                   return [({name})(it), box.top >= 0 && box.bottom <= innerHeight && box.width > 0, shown.outlineStyle]; }})()"
            );
            let seen = browser.eval(&seen).await;
            let name = seen[0].to_string();
            if wanted.contains(&name) {
                assert_eq!(seen[1], true, "{page}: {name} has the focus and is not in sight");
                assert_ne!(seen[2], "none", "{page}: {name} has the focus and does not show it");
            }
            reached.insert(name);
            if wanted.is_subset(&reached) {
                break;
            }
        }
        let missed: Vec<_> = wanted.difference(&reached).collect();
        assert!(missed.is_empty(), "{page}: {missed:?}");
    }
    let (url, _) = platform.operator();
    browser.open(&format!("{url}/console")).await;
    for _ in 0..3 {
        browser.press("Tab").await;
    }
    browser.press("Enter").await;
    browser.until("document.querySelector('h1')?.textContent === 'Shards'").await;
    browser.press("Tab").await;
    browser.press("Enter").await;
    browser.until("document.activeElement.id === 'main'").await;
    browser.close().await;
}

async fn begin(platform: &Platform, institution: &Institution, to: &str) {
    let control = platform.control();
    let wanted = json!({"kind": "move", "institution": institution.id, "to": to});
    let plan = control.post("/v1/plans", wanted).await.expect(201);
    let apply = format!("/v1/plans/{}:apply", plan.id());
    assert_eq!(control.send(Method::POST, &apply, None, &[]).await.status, 200);
}

/// Opens a page that is live, and marks it: a reload would lose the mark.
async fn watch(browser: &mut Browser, page: &str) {
    browser.open(page).await;
    browser.until("document.getElementById('liveness').textContent === 'Live.'").await;
    browser.eval("window.loaded = 'once'").await;
}

#[tokio::test]
async fn a_move_shows_itself_without_a_reload() {
    let platform = Platform::shared();
    let institution = platform.institution(Some("shard-a")).await;
    let id = institution.id;
    let (url, _) = platform.operator();
    let mut browser = signed_in(&platform).await;

    watch(&mut browser, &format!("{url}/console/moves")).await;
    begin(&platform, &institution, "shard-b").await;
    let ended = "it.innerHTML.includes(id) && it.innerText.includes('done')";
    let ended = format!(
        "((id) => [...document.querySelectorAll('#live tr')].some((it) => {ended}))('{id}')"
    );
    browser.until(&ended).await;
    assert_eq!(browser.eval("window.loaded").await, "once");

    watch(&mut browser, &format!("{url}/console/institutions/{id}")).await;
    browser.until("document.querySelector('dd').textContent === 'shard-b'").await;
    begin(&platform, &institution, "shard-a").await;
    browser.until("document.querySelector('dd').textContent === 'shard-a'").await;
    assert_eq!(browser.eval("window.loaded").await, "once");
    assert_eq!(browser.errors(), Vec::<&serde_json::Value>::new());
    browser.close().await;
}
