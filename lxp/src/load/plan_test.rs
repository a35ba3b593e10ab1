//! What the real files become.

use super::super::dataset::tests::oulad;
use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

#[test]
fn the_real_files_become_thirteen_institutions_with_the_published_counts() {
    let tenants = plan(&oulad()).expect("a plan");
    let slugs: Vec<_> = tenants.iter().map(|tenant| tenant.slug.as_str()).collect();
    assert_eq!(
        slugs,
        [
            "east-anglian-region",
            "east-midlands-region",
            "ireland",
            "london-region",
            "north-region",
            "north-western-region",
            "scotland",
            "south-east-region",
            "south-region",
            "south-west-region",
            "wales",
            "west-midlands-region",
            "yorkshire-region",
        ]
    );
    let each = |tenant: &Tenant| {
        let counts = tenant.counts();
        (counts.courses, counts.terms, counts.classes)
    };
    assert!(tenants.iter().all(|tenant| each(tenant) == (7, 4, 22)));
    let total: Counts = tenants.iter().map(Tenant::counts).sum();
    assert_eq!((total.students, total.enrollments), (28_785, 32_593));
    assert_eq!((total.dropped, total.withdrawn), (2_678, 7_394));
    assert_eq!((total.active, total.completed), (93, 32_593 - 2_678 - 7_394 - 93));
    assert_eq!((total.assessments, total.graded, total.ungraded), (13 * 206, 173_739, 173));
    assert_eq!((total.results, total.rows()), (32_593, 71_450 + 173_912 + 32_593));
}

#[test]
fn terms_cover_their_longest_presentation() {
    let tenants = plan(&oulad()).expect("a plan");
    let terms: Vec<_> = tenants[0]
        .terms
        .iter()
        .map(|term| (term.code.to_string(), term.starts_on, term.ends_on, term.drop_until))
        .collect();
    let expected = [
        ("2013B", "2013-02-01", "2013-09-29", "2013-01-31"),
        ("2013J", "2013-10-01", "2014-06-26", "2013-09-30"),
        ("2014B", "2014-02-01", "2014-09-30", "2014-01-31"),
        ("2014J", "2014-10-01", "2015-06-27", "2014-09-30"),
    ]
    .map(|(code, from, to, drop)| (code.to_owned(), date(from), date(to), date(drop)));
    assert_eq!(terms, expected);
}

#[test]
fn no_enrolment_of_the_real_files_ends_before_it_begins_or_against_the_drop_deadline() {
    for tenant in plan(&oulad()).expect("a plan") {
        for class in &tenant.classes {
            let drop_until = day(class.code.presentation, -1);
            for row in &class.enrollments {
                let Some(end) = row.end else { continue };
                assert!(row.enrolled_on <= end.on, "{}", row.place);
                assert_eq!(end.leave == Leave::Drop, end.on <= drop_until, "{}", row.place);
            }
        }
    }
}

fn registration(registered: Option<i32>, unregistered: Option<i32>) -> Registration {
    let presentation = Presentation { year: 2013, half: Half::October };
    Registration {
        class: ClassCode { module: "AAA".to_owned(), presentation },
        student: StudentNo(7),
        registered,
        unregistered,
        place: Place { file: "x.csv", line: 2 },
    }
}

#[test]
fn days_count_from_day_zero() {
    let row = enrollment(&registration(Some(-159), Some(0)));
    assert_eq!(row.enrolled_on, date("2013-04-25"));
    assert_eq!(row.end, Some(End { leave: Leave::Withdraw, on: date("2013-10-01") }));
    let row = enrollment(&registration(Some(3), Some(-1)));
    assert_eq!(row.end, Some(End { leave: Leave::Drop, on: date("2013-09-30") }));
}

#[test]
fn an_unknown_registration_counts_from_day_zero_or_from_an_earlier_end() {
    assert_eq!(enrollment(&registration(None, None)).enrolled_on, date("2013-10-01"));
    assert_eq!(enrollment(&registration(None, Some(9))).enrolled_on, date("2013-10-01"));
    assert_eq!(enrollment(&registration(None, Some(-1))).enrolled_on, date("2013-09-30"));
}

#[test]
fn a_region_that_makes_no_slug_is_refused_where_it_stands() {
    let student = Student { no: StudentNo(7), place: Place { file: "x.csv", line: 2 } };
    let error = slug("Île-de-France", &[student]).expect_err("an accent").to_string();
    assert!(error.starts_with("x.csv, line 2: region `Île-de-France`"), "{error}");
}
