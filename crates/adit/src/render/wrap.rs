//! Paragraphs for a terminal.

use std::sync::LazyLock;

/// Widest line; wider terminals don't make better reading.
const WIDEST: usize = 100;
/// Below this, wrapping does more harm than the terminal's own breaks.
const NARROWEST: usize = 40;
/// What a caller may put before every line: the demo indents the verdicts it shows.
pub const MARGIN: usize = 4;

static WIDTH: LazyLock<usize> = LazyLock::new(|| {
    let terminal = rustix::termios::tcgetwinsize(std::io::stdout())
        .map(|size| usize::from(size.ws_col))
        .ok()
        .filter(|columns| *columns > 0);
    terminal
        .unwrap_or(WIDEST)
        .clamp(NARROWEST, WIDEST)
        .saturating_sub(MARGIN)
});

/// `text` wrapped and indented; its own line breaks are kept, and lines that are indented themselves (commands,
/// configuration) aren't wrapped.
pub fn paragraph(indent: usize, text: &str) -> String {
    wrapped(
        " ".repeat(indent).as_str(),
        " ".repeat(indent).as_str(),
        text,
    )
}

/// `label: text`, wrapped, further lines below the text. A text of several lines, such as a configuration to copy,
/// stands below its label as a whole.
pub fn labelled(indent: usize, label: &str, text: &str) -> String {
    let margin = " ".repeat(indent);
    if text.contains('\n') {
        return format!("{margin}{label}:\n{}", paragraph(indent + 4, text));
    }
    wrapped(&format!("{margin}{label}: "), &format!("{margin}  "), text)
}

/// `label  text` with further lines below the text, for columns. A label that takes most of the line, such as the long
/// path of a file, has the text below it.
pub fn beside(label: &str, text: &str) -> String {
    let taken = visible(label) + 2;
    if taken > *WIDTH / 2 {
        return format!("{label}\n{}", paragraph(6, text));
    }
    wrapped(&format!("{label}  "), &" ".repeat(taken), text)
}

/// `text` without the name that the heading has said already.
pub fn about<'t>(subject: &str, text: &'t str) -> &'t str {
    text.strip_prefix(subject)
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(text)
}

/// One line, cut where the terminal ends.
pub fn cut(line: &str) -> String {
    let width = *WIDTH;
    if line.chars().count() <= width {
        return format!("{line}\n");
    }
    let kept: String = line.chars().take(width - 1).collect();
    format!("{}…\n", kept.trim_end())
}

/// Characters of `text` that take up room: all but colour codes.
fn visible(text: &str) -> usize {
    let mut count = 0;
    let mut in_code = false;
    for c in text.chars() {
        match (in_code, c) {
            (false, '\x1b') => in_code = true,
            (true, 'm') => in_code = false,
            (true, _) => {}
            (false, _) => count += 1,
        }
    }
    count
}

fn wrapped(first: &str, rest: &str, text: &str) -> String {
    let room = *WIDTH;
    let mut out = String::new();
    let mut margin = first;
    for line in text.lines() {
        if line.starts_with(' ') {
            out.push_str(margin);
            out.push_str(line);
            out.push('\n');
            margin = rest;
            continue;
        }
        let mut at = 0;
        for word in line.split_whitespace() {
            let width = word.chars().count();
            if at > 0 && at + 1 + width > room {
                out.push('\n');
                at = 0;
            }
            if at == 0 {
                out.push_str(margin);
                at = visible(margin);
                margin = rest;
            } else {
                out.push(' ');
                at += 1;
            }
            out.push_str(word);
            at += width;
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_lines_stay_within_the_width() {
        let text = "one two three ".repeat(30);
        let out = labelled(2, "here", &text);
        assert!(out.lines().all(|l| l.chars().count() <= *WIDTH), "{out}");
        assert_eq!(
            out.split_whitespace().skip(1).collect::<Vec<_>>(),
            text.split_whitespace().collect::<Vec<_>>()
        );
        assert!(out.lines().skip(1).all(|l| l.starts_with("    ")));
    }

    #[test]
    fn a_long_label_leaves_the_text_its_room() {
        let label = format!("  /var/log/{}.log:105", "very-long-name".repeat(6));
        let text = "tried 1 shared key for 'east.lab' - 'west.lab'";
        assert_eq!(beside(&label, text), format!("{label}\n      {text}\n"));
        assert_eq!(beside("  a.log:1", text), format!("  a.log:1  {text}\n"));
    }

    #[test]
    fn commands_keep_their_form() {
        assert_eq!(
            paragraph(2, "set:\n  ike = [\"a\"]"),
            "  set:\n    ike = [\"a\"]\n"
        );
    }

    #[test]
    fn what_is_to_be_copied_stands_by_itself() {
        assert_eq!(
            labelled(2, "here", "a = 1\nb = 2"),
            "  here:\n      a = 1\n      b = 2\n"
        );
    }

    #[test]
    fn a_line_is_cut_only_where_it_is_too_long() {
        assert_eq!(cut("short"), "short\n");
        let out = cut(&"long ".repeat(40));
        assert!(out.trim_end().chars().count() <= *WIDTH);
        assert!(out.ends_with("…\n"));
    }

    #[test]
    fn colour_takes_no_room() {
        let plain = beside("office  down", &"word ".repeat(60));
        let coloured = beside("\x1b[1moffice\x1b[0m  down", &"word ".repeat(60));
        assert_eq!(plain.lines().count(), coloured.lines().count());
        assert_eq!(plain.lines().nth(1), coloured.lines().nth(1));
    }
}
