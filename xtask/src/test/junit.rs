//! nextest's JUnit report: what each test did, and whether it excused itself.

use super::tally::Tally;

/// Counts the test cases. A test that printed `skipped: …` counts as skipped, with its reason.
pub fn tally(xml: &str, success: bool) -> Tally {
    let mut tally = Tally::default();
    for case in xml.split("<testcase ").skip(1) {
        let case = case.split("</testcase>").next().unwrap_or_default();
        let name = format!(
            "{} {}",
            attribute(case, "classname"),
            attribute(case, "name")
        );
        if case.contains("<failure") || case.contains("<error") {
            tally.add(Tally::failure(name));
        } else if let Some(reason) = excuse(case) {
            tally.skip(format!("{name}: {}", unescaped(reason)));
        } else {
            tally.passed += 1;
        }
    }
    if !success && tally.failed == 0 {
        tally.add(Tally::failure(
            "the test run ended badly without a failed test".to_owned(),
        ));
    }
    tally
}

/// The reason behind `skipped:` at the start of a line that a test printed.
pub fn excuse(output: &str) -> Option<&str> {
    output.lines().find_map(|line| {
        // The first and the last line of what a test printed share theirs with the report's tags.
        let opening = line
            .trim_start()
            .strip_prefix("<system-")
            .and_then(|rest| rest.split_once('>'));
        let text = opening.map_or(line, |(_, text)| text);
        // With a single thread the harness writes `test name ... ` before what the test prints.
        let text = text
            .strip_prefix("test ")
            .and_then(|rest| rest.split_once(" ... "))
            .map_or(text, |(_, text)| text);
        let text = text.split("</system-").next().unwrap_or_default();
        text.strip_prefix("skipped: ")
    })
}

fn unescaped(text: &str) -> String {
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    plain
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| {
            text.replace(entity, character)
        })
}

fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let opening = element.split('>').next().unwrap_or_default();
    let key = format!("{name}=\"");
    let value = opening
        .match_indices(&key)
        .find(|(at, _)| *at == 0 || opening.as_bytes()[at - 1] == b' ');
    value.map_or("", |(at, _)| {
        opening[at + key.len()..]
            .split('"')
            .next()
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"<testsuites name="nextest-run" tests="4" failures="1" errors="0">
    <testsuite name="adit-kernel">
        <testcase name="tun::opens" classname="adit-kernel" time="0.1">
        </testcase>
        <testcase name="netns::routes" classname="adit-kernel" time="0.1">
            <system-out>running 1 test
skipped: /dev/net/tun isn&apos;t &lt;open&gt;
test netns::routes ... ok</system-out>
        </testcase>
        <testcase name="says::it_at_once" classname="adit-kernel" time="0.1">
            <system-err>skipped: no vectors</system-err>
        </testcase>
        <testcase name="on::one_thread" classname="adit-kernel" time="0.1">
            <system-out>test on::one_thread ... skipped: no namespaces
ok</system-out>
        </testcase>
        <testcase name="wire::broken" classname="adit-wire" time="0.1">
            <failure type="test failure">thread panicked</failure>
        </testcase>
    </testsuite></testsuites>"#;

    #[test]
    fn every_case_is_counted_once() {
        let tally = tally(REPORT, false);
        assert_eq!(tally.to_string(), "1 passed, 1 failed, 3 skipped");
        assert_eq!(
            tally.notes,
            [
                "skipped adit-kernel netns::routes: /dev/net/tun isn't <open>",
                "skipped adit-kernel says::it_at_once: no vectors",
                "skipped adit-kernel on::one_thread: no namespaces",
                "FAILED adit-wire wire::broken"
            ]
        );
    }

    #[test]
    fn a_bad_end_without_a_failed_test_is_a_failure() {
        assert_eq!(tally("<testsuites></testsuites>", false).failed, 1);
    }
}
