//! Paragraphs for a terminal.

/// Widest line; wider terminals don't make better reading.
const WIDTH: usize = 100;

/// `text` wrapped and indented; its own line breaks are kept, and lines that are indented themselves (commands,
/// configuration) aren't wrapped.
pub fn paragraph(indent: usize, text: &str) -> String {
    wrapped(
        " ".repeat(indent).as_str(),
        " ".repeat(indent).as_str(),
        text,
    )
}

/// `label: text`, wrapped, further lines below the text.
pub fn labelled(indent: usize, label: &str, text: &str) -> String {
    let margin = " ".repeat(indent);
    wrapped(&format!("{margin}{label}: "), &format!("{margin}  "), text)
}

fn wrapped(first: &str, rest: &str, text: &str) -> String {
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
            if at > 0 && at + 1 + width > WIDTH {
                out.push('\n');
                at = 0;
            }
            if at == 0 {
                out.push_str(margin);
                at = margin.chars().count();
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
        assert!(out.lines().all(|l| l.chars().count() <= WIDTH), "{out}");
        assert_eq!(
            out.split_whitespace().skip(1).collect::<Vec<_>>(),
            text.split_whitespace().collect::<Vec<_>>()
        );
        assert!(out.lines().skip(1).all(|l| l.starts_with("    ")));
    }

    #[test]
    fn commands_keep_their_form() {
        assert_eq!(
            paragraph(2, "set:\n  ike = [\"a\"]"),
            "  set:\n    ike = [\"a\"]\n"
        );
    }
}
