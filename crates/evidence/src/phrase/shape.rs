//! The little language in which a phrase is written, and how a line is held against it.

use core::cmp::Reverse;

/// A phrase: what is said, and in which words.
///
/// The shape is found anywhere in a line, whatever stands before and after it. Letters match in either case; runs of
/// blanks were made one blank before. `{name}` is a value of one or more characters up to the next words of the shape (or the
/// end of the line), `{name:w}` one without blanks, `{name:n}` a number; `{}`, `{:w}` and `{:n}` match and are not
/// kept. A line is searched for one of the literals, of 7 octets at least, so one of them should be words that few
/// lines hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phrase<S> {
    /// What it means.
    pub(crate) sign: S,
    /// The words.
    pub(crate) shape: &'static str,
    /// The programs that mean it; empty when the words tell enough by themselves. A line that doesn't say who wrote it
    /// is taken for one of them.
    pub(crate) by: &'static [&'static str],
}

/// What a line and a shape have in common: the kept values.
pub(crate) type Values<'t> = Vec<(&'static str, &'t str)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Words(&'static str),
    Hole(&'static str, Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Word,
    Number,
}

/// A shape taken to pieces.
#[derive(Debug)]
pub(crate) struct Shape {
    pieces: Vec<Piece>,
}

impl Shape {
    pub(crate) fn new(shape: &'static str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = shape;
        while let Some((words, tail)) = rest.split_once('{') {
            if !words.is_empty() {
                pieces.push(Piece::Words(words));
            }
            let (hole, tail) = tail.split_once('}').unwrap_or((tail, ""));
            let (name, kind) = match hole.split_once(':') {
                Some((name, "w")) => (name, Kind::Word),
                Some((name, "n")) => (name, Kind::Number),
                _ => (hole, Kind::Text),
            };
            pieces.push(Piece::Hole(name, kind));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Words(rest));
        }
        Self { pieces }
    }

    /// The runs of literal words: a line that the shape fits holds all of them.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &'static str> {
        self.pieces.iter().filter_map(|p| match p {
            Piece::Words(words) => Some(*words),
            Piece::Hole(..) => None,
        })
    }

    /// Where the longest of the literals ends in a line, and how long it is: of two sentences that say the same thing
    /// about a line, the one that comes first is heard.
    pub(crate) fn place(&self, line: &str) -> (usize, Reverse<usize>) {
        let words = self.literals().map(str::trim);
        let words = words.max_by_key(|w| w.len()).unwrap_or_default();
        let start = beginnings(words, line).find(|at| {
            let here = line.as_bytes().get(*at..*at + words.len());
            here.is_some_and(|w| w.eq_ignore_ascii_case(words.as_bytes()))
        });
        let end = start.map_or(usize::MAX, |at| at + words.len());
        (end, Reverse(words.len()))
    }

    /// The values of the first place in `line` that the shape fits.
    pub(crate) fn find<'t>(&self, line: &'t str) -> Option<Values<'t>> {
        let mut steps = STEPS;
        self.find_within(line, &mut steps)
    }

    /// Gives up when `steps` are used up.
    fn find_within<'t>(&self, line: &'t str, steps: &mut u32) -> Option<Values<'t>> {
        let mut values = Vec::new();
        let first = match self.pieces.first() {
            Some(Piece::Words(words)) => *words,
            _ => "",
        };
        for at in beginnings(first, line) {
            values.clear();
            if fits(&self.pieces, line.get(at..)?, &mut values, steps) {
                values.reverse();
                return Some(values);
            }
            if *steps == 0 {
                return None;
            }
        }
        None
    }
}

/// The places of a line at which words may begin: those of their first character, in either case; without words, all.
fn beginnings<'t>(words: &str, line: &'t str) -> impl Iterator<Item = usize> + 't {
    let first = words.bytes().next();
    let cases = first.map(|f| (f.to_ascii_lowercase(), f.to_ascii_uppercase()));
    let of_words = cases
        .into_iter()
        .flat_map(|(small, large)| memchr::memchr2_iter(small, large, line.as_bytes()));
    let all = line.char_indices().map(|(at, _)| at);
    of_words.chain(all.filter(move |_| first.is_none()))
}

/// So many ends of holes are tried in a line: with several holes their number is a power of the line's length, and who
/// writes the line may choose it.
const STEPS: u32 = 100_000;

/// Whether the pieces fit at the head of `text`, as far as `steps` allow to tell. Values are pushed last first.
fn fits<'t>(pieces: &[Piece], text: &'t str, values: &mut Values<'t>, steps: &mut u32) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return true;
    };
    match *piece {
        Piece::Words(words) => match after(words, text) {
            Some(tail) => fits(rest, tail, values, steps),
            None => false,
        },
        Piece::Hole(name, kind) => {
            let longest = reach(kind, text);
            let mut ends: Box<dyn Iterator<Item = usize>> = match (rest.first(), kind) {
                // Greedy: there is nothing that could follow, or only characters that the hole can't hold.
                (None, _) | (_, Kind::Number) => Box::new(core::iter::once(longest)),
                _ => Box::new(
                    text.char_indices()
                        .map(|(at, c)| at + c.len_utf8())
                        .take_while(move |end| *end <= longest),
                ),
            };
            while let Some(end) = ends.next()
                && *steps > 0
            {
                *steps -= 1;
                let (Some(value), Some(tail)) = (text.get(..end), text.get(end..)) else {
                    continue;
                };
                if value.trim().is_empty() || !fits(rest, tail, values, steps) {
                    continue;
                }
                if !name.is_empty() {
                    values.push((name, value.trim()));
                }
                return true;
            }
            false
        }
    }
}

/// How far a hole may reach.
fn reach(kind: Kind, text: &str) -> usize {
    let end = match kind {
        Kind::Text => None,
        Kind::Word => text.find(char::is_whitespace),
        Kind::Number => text.find(|c: char| !c.is_ascii_digit()),
    };
    end.unwrap_or(text.len())
}

/// What follows `words` at the head of `text`.
fn after<'t>(words: &str, text: &'t str) -> Option<&'t str> {
    let (head, tail) = text.split_at_checked(words.len())?;
    head.eq_ignore_ascii_case(words).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(shape: &'static str, line: &'t str) -> Option<Values<'t>> {
        Shape::new(shape).find(line)
    }

    #[test]
    fn words_are_found_anywhere_in_either_case() {
        let shape = "no shared key found for '{local}'[{}] - '{remote}'[{}]";
        let line = "09[IKE] <con1|4> No shared key found for 'a.example'[a] - 'b.example'[b]";
        assert_eq!(
            found(shape, line),
            Some(vec![("local", "a.example"), ("remote", "b.example")])
        );
        assert_eq!(found(shape, "no shared key"), None);
    }

    #[test]
    fn a_last_value_reaches_to_the_end_and_a_word_to_the_blank() {
        assert_eq!(
            found(
                "cannot load config '{path:w}': {problem}",
                "cannot load config '/etc/x': it is bad"
            ),
            Some(vec![("path", "/etc/x"), ("problem", "it is bad")])
        );
        assert_eq!(
            found("limit of {limit:n} reached", "limit of 5 reached"),
            Some(vec![("limit", "5")])
        );
    }

    #[test]
    fn a_hostile_line_is_given_up() {
        let shape = r#"apparmor="DENIED" operation="{operation}"{}name="{path}"{}comm="charon"#;
        let hostile = format!(
            r#"apparmor="DENIED" operation="{}"#,
            r#"a" name="b" "#.repeat(16 * 1024 / 13)
        );
        let mut steps = STEPS;
        assert_eq!(Shape::new(shape).find_within(&hostile, &mut steps), None);
        assert_eq!(steps, 0);
        let line =
            r#"apparmor="DENIED" operation="open" profile="x" name="/etc/a" pid=1 comm="charon""#;
        assert_eq!(
            found(shape, line),
            Some(vec![("operation", "open"), ("path", "/etc/a")])
        );
    }

    #[test]
    fn a_line_is_searched_for_the_literals() {
        let shape = Shape::new("a {x} longer words {y} b");
        assert_eq!(
            shape.literals().collect::<Vec<_>>(),
            ["a ", " longer words ", " b"]
        );
    }
}
