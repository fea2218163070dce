//! Messages that a person names without saying that they were seen: who asks, denies, suspects, gives advice or cites a
//! manual has none in a log. Also what somebody looks for: the pattern of a `grep` isn't its result.
//!
//! A line with a time or a program before it is a log's, and none of this is asked of it.

use std::borrow::Cow;

use adit_model::sign::Sign;

use super::shape::Shape;
use crate::account::{holds, is_prose, parts, plain};
use crate::text::Line;

/// A longer line is no sentence.
const LONGEST: usize = 600;

/// Who says one of these tells what was seen, whatever he thinks of it.
const REPORT: &str = "charon says|pluto says|racoon says|iked says|daemon says|strongswan says|libreswan says|firewall says|firewall reports|firewall shows|router says|router shows|gateway says|gateway shows|gateway reports|peer reports|fortigate says|fortigate shows|asa says|asa shows|debug says|debug shows|output says|output shows|status says|status shows|journal says|journal shows|syslog says|syslog shows|i get |we get |i got |we got |i am getting|im getting|we are getting|were getting|i see |we see |i saw |we saw |i can see|we can see|i receive|we receive|i found|we found|log says|log shows|log has|log tells|logs say|logs show|log file says|log file shows|it says|it shows|always says|just says|only says|keeps saying|complains|the error is|error message is|error message says|the message is|fails with|failed with|ends with|it reports|reported|logged|returns";

/// It is supposed.
const SUSPECTED: &str = "i suspect|we suspect|suspects|suspected|suspicion|i think its|i think it is|i think that its|i think that it is|i think this is|i think there|i think we have|we think its|we think it is|thinks its|thinks it is|thinks there|i guess|we guess|my guess|i assume|we assume|assumption|maybe|perhaps|might be|might have|may be a |may be an |may be the |may hold|may have|could be a |could be an |could be the |could be our|could be my|could it|could this|could that|could a |could an |can it be|can this be|possibly|probably|presumably|wonder|whether|hypothes|theory|in case of|expect";

/// It is looked for, or somebody should.
const ADVISED: &str = "already checked|already ruled|already verified|filter for|filtered for|filtering for|both silent|all silent|check for|check whether|check if|please check|should check|to check that|look for|look out for|watch for|search for|searched for|looking for|grep for|grepped for|make sure|to be checked|to check|asks to check|ruling out|rule out|ruled out|can exclude|can be excluded|excluded a |excluded the possib";

/// Nobody saw it, whatever else is told. `|`-separated beginnings of words, as everywhere.
const DENIED: &str = "never got|never get|never had|never logged|dont see in |do not see in |doesnt say |does not say |doesnt print|does not print|doesnt log |does not log |dont see that|do not see that|dont see this|do not see this|dont see any|do not see any|dont see it|do not see it|dont see such|do not see such|didnt see|did not see|never saw|never seen|havent seen|have not seen|see none|sees none|saw none|none of th|dont get that|do not get that|dont have that|do not have that|not in my log|not in our log|not in the log|isnt in my|isnt in the|never appears|doesnt appear|does not appear|is not what|isnt what|not what we|not what i |no sign of|no trace of|no hint of|no evidence of|not the case|it cant be|it cannot be|that cant be|would show|would see|would say|would log|would mean|would be logged|would be in the log|would appear|would expect|id expect|wed expect|should show|should see|should be in the log|thought that|thought it|told me another|someone told me|somebody told me|hasnt happened|has not happened|not happened|never happened|not happen again|havent had|have not had|not come back|never came back|not been seen|not recurred";
/// Unless it is all that is seen.
const BUT_FOR: &str = "except|apart from|other than|anything but|nothing but|anything else|nothing else|more than|why |what it means|what that means|where it comes|where that comes";

/// It was read.
const CITED: &str = "kb says|kb article|knowledge base|docs say|documentation says|documentation lists|manual says|article says|guide says|wiki says|page says|chatgpt|copilot|according to the doc|according to the manual|according to google|according to the guide|according to the wiki|most common reason|most common cause|common cause|common reason|usual cause|usual reason|if the log|if you see|if you get|if it says|if the message|if this message|if the error|in case the log|was an old message|its gone since|is gone since|usually means|often means|typically means|troubleshooting page|troubleshooting guide";

/// It will be, or was planned to be.
const COMING: &str = "is scheduled for|are scheduled for|scheduled on|will take place|is planned for|are planned for|will be carried out|is announced for";

/// It was, and is no more.
const OVER: &str = "an old message|old error|is gone now|was gone after|earlier today|last year|years ago|months ago";
/// It was so at first.
const AT_FIRST: &str = "at first|first we |first i |first it |first there |initially|originally|in the beginning|to begin with|earlier|previously|before that";
/// It was mended.
const MENDED: &str = "corrected|fixed|solved|resolved|mended|renewed|replaced|changed";
/// What the next sentence tells of it.
const MENDED_NEXT: &str = "we renewed|i renewed|they renewed|was renewed|has been renewed|we corrected|i corrected|they corrected|was corrected|we fixed|i fixed|they fixed|was fixed|has been fixed|got fixed|that is fixed|thats fixed|this is fixed|is solved|was solved|we solved|i solved|its gone|that is gone|thats gone|is gone since|no longer appears|no longer there|disappeared";
/// It is there all the same.
/// What is changed in the text that is shown, and nowhere else.
const IN_THE_TEXT: &str =
    "address|ip |ips |name|in it |in them |in the log|in the paste|in the output|above";
const SAME: &str = "same|still get|still see|still say|still show|still there|still the|still gives|again|keeps|no difference|no change|no effect|in vain|didnt help|did not help|doesnt help|does not help|without effect|without success|but now|since then|ever since";

/// Who asks so has seen what he asks about.
const ASKS_WHY: &str = "why |what does|what do |what is |what can|what could i|what could we|what am|what are|how can|how do|how to|how did|any idea|any ideas|anybody|anyone|somebody|someone|somebody else|know what|where does|where do|when i |when we |which |warum|wieso|weshalb|was bedeutet|was heisst|was heißt|jemand";

/// What a list is said to be of, that isn't of what was seen.
const LIST_OF: &str = "page |guide |read |changelog|release notes|ticket|history |docs |documentation|manual |kb |knowledge base|wiki|article|faq|to check|check with|to do|todo|checklist|possible cause|possible reason|common cause|common error|common reason|typical|ruled out|we exclude|could be|candidates|ideas|things to|entries|open questions|my questions|questions for|assumption|suspicion|look for|looked for|searched for|look out for";
/// Who says so of lines above has seen none of them.
const NONE: &str = "none of these|none of those|none of them|none of this|none of that|none of which|nothing of the kind|nothing of that|neither of th|none fits|none of them|none matches|none applies";
const SEEN: &str = "see |sees |seen |saw |find |found |fits|matches|applies|appear|have |has |get |got |in the log|in my log";

/// The list is of a log all the same.
const LIST_SHOWS: &str = "log |logs|output|debug|status|shows|showed|says|said|see |get |got |gives|received|result|console|syslog|happens";

/// So is what somebody did, and what came of it.
const TRIED: &str = "when |after |start|run |running |try |trying |connect";

/// What is heard of a line.
#[derive(Debug, Default)]
pub(crate) struct Unsaid {
    /// The sentence that the line before left open names what it says without saying so.
    open: bool,
    /// A list has begun that isn't of what was seen.
    listing: bool,
    /// A line before ended in a colon, so that what follows is quoted.
    announced: bool,
    /// Lines that were quoted or listed last.
    block: Vec<u64>,
    /// Lines of which a later one told that they weren't seen.
    lines: Vec<u64>,
}

/// What is heard of a line: sentences of the tables are looked at one by one, other readers get what is left.
#[derive(Debug)]
pub(crate) struct Heard<'t> {
    pub(crate) by_tables: &'t str,
    pub(crate) by_readers: Cow<'t, str>,
}

impl<'t> Heard<'t> {
    fn all(body: &'t str) -> Self {
        Self {
            by_tables: body,
            by_readers: Cow::Borrowed(body),
        }
    }

    fn nothing() -> Self {
        Self::all("")
    }
}

/// So many lines are a list, and so many are remembered.
const LIST: usize = 24;
const MOST: usize = 512;

impl Unsaid {
    /// What the line says. `number` is asked for only where no log wrote it.
    pub(crate) fn line<'t>(
        &mut self,
        line: &Line<'t>,
        number: impl Fn() -> Option<u64>,
    ) -> Heard<'t> {
        let body = line.body.trim();
        if is_headed(line) || body.is_empty() {
            (self.open, self.listing, self.announced) = (false, false, false);
            if !body.is_empty() {
                self.block.clear();
            }
            return Heard::all(line.body);
        }
        if is_search(body) || is_remark(body) {
            return Heard {
                by_tables: line.body,
                ..Heard::nothing()
            };
        }
        let item = is_item(body);
        let prose = is_prose(body, self.open);
        let words = if prose || body.ends_with(':') {
            plain(body)
        } else {
            String::new()
        };
        if self.listing && (item || !prose) && !is_logged(body) && !begins_list(body, &words) {
            self.remember(number());
            return Heard::nothing();
        }
        self.listing = begins_list(body, &words);
        if body.ends_with(':') {
            self.block.clear();
        }
        if !prose {
            self.open = false;
            if (item || self.announced) && !is_logged(body) {
                self.remember(number());
            }
            self.announced |= body.ends_with(':');
            let asked = item || !is_logged(body) && is_plain(body);
            if asked && is_asked(body) {
                return Heard::nothing();
            }
            let mut heard = Heard::all(line.body);
            if asked && body.contains('?') {
                let told = parts(line.body).into_iter().map(|(sentence, _)| sentence);
                heard.by_readers = told.filter(|sentence| !is_asked(sentence)).collect();
            }
            return heard;
        }
        self.announced = body.ends_with(':');
        if holds(&words, NONE) && holds(&words, SEEN) {
            self.lines.append(&mut self.block);
            self.lines.truncate(MOST);
        }
        let heard = Heard {
            by_tables: if self.open {
                after_first(line.body)
            } else {
                line.body
            },
            by_readers: said(line.body, self.open),
        };
        let last = parts(body).pop();
        self.open = last.is_some_and(|(part, ends)| !ends && is_unsaid(part, &[]));
        if item {
            self.remember(number());
        }
        heard
    }

    fn remember(&mut self, number: Option<u64>) {
        if self.block.len() < LIST {
            self.block.extend(number);
        }
    }

    /// Lines that turned out to say nothing.
    pub(crate) fn finish(self) -> Vec<u64> {
        self.lines
    }
}

/// What a person's line says: without the sentences that name something and don't say that it was so; `open`, the first
/// goes on with one of those.
fn said(body: &str, open: bool) -> Cow<'_, str> {
    let sentences = parts(body);
    let unsaid: Vec<bool> = sentences
        .iter()
        .enumerate()
        .map(|(at, (sentence, _))| {
            let next = sentences.get(at + 1).map(|(next, _)| *next);
            at == 0 && open || is_unsaid(sentence, &[]) || next.is_some_and(is_mended_after)
        })
        .collect();
    if !unsaid.contains(&true) {
        return Cow::Borrowed(body);
    }
    let kept = sentences.iter().zip(unsaid).filter(|(_, unsaid)| !unsaid);
    Cow::Owned(kept.map(|((sentence, _), _)| *sentence).collect())
}

/// What stands behind the arrow of an entry that is done with.
const SETTLED: &str = "solved|fixed|mended|checked|ruled out|excluded|resolved|done|closed|typed|retyped|correct|ok |not |no |none|verified|compared|renewed|replaced|changed|matches|match ";

/// What follows the first sentence.
fn after_first(body: &str) -> &str {
    let first = parts(body).first().map_or(0, |(first, _)| first.len());
    body.get(first..).unwrap_or_default()
}

/// Whether a line that no log wrote holds the sentence of `shape` only where a person names it without saying that it was so.
pub(super) fn only_names(sign: Sign, line: &Line<'_>, body: &str, shape: &Shape) -> bool {
    // What a rule was put there for is told nowhere else.
    const BY_NOTES: [Sign; 1] = [Sign::TestSettingOn];
    let body = body.trim();
    if is_headed(line) || BY_NOTES.contains(&sign) {
        return false;
    }
    if is_search(body) || is_remark(body) {
        return true;
    }
    if is_logged(body) {
        return false;
    }
    let literals: Vec<&str> = shape.literals().collect();
    if is_settled(body, &literals) {
        return true;
    }
    // A sentence may begin with what it quotes.
    let quotes = || {
        let around = around(body, &literals);
        body.starts_with(['"', '`', '“', '«'])
            && is_prose(around.trim_start_matches([',', ' ']), false)
    };
    let prose = is_prose(body, false) || quotes();
    let unsaid = |sentence: &str, next: Option<&str>| {
        (prose || is_plain(sentence)) && is_asked_about(sentence, &literals)
            || prose && (is_unsaid(sentence, &literals) || next.is_some_and(is_mended_after))
    };
    let sentences = parts(body);
    let mut with = sentences
        .iter()
        .enumerate()
        .filter(|(_, (sentence, _))| shape.find(sentence).is_some())
        .peekable();
    if with.peek().is_none() {
        return unsaid(body, None);
    }
    with.all(|(at, (sentence, _))| unsaid(sentence, sentences.get(at + 1).map(|(next, _)| *next)))
}

/// Whether a log wrote the line, or it is too long for a sentence.
fn is_headed(line: &Line<'_>) -> bool {
    line.at.is_some() || line.program.is_some() || line.body.len() > LONGEST
}

/// Whether a list follows that isn't of what was seen.
fn begins_list(body: &str, words: &str) -> bool {
    body.ends_with(':')
        && body.starts_with(char::is_alphabetic)
        && holds(words, LIST_OF)
        && !holds(words, LIST_SHOWS)
        && !holds(words, TRIED)
}

/// Whether it asks about what it names, and not why it was so.
fn is_asked_about(sentence: &str, message: &[&str]) -> bool {
    let around = around(sentence, message);
    if !is_asked(&around) {
        return false;
    }
    let told = plain(&around);
    !holds(&told, ASKS_WHY) && !holds(&told, REPORT)
}

/// Whether the line says behind the message that there is none, or what is done about it:
/// `log[PSK mismatch]=0`, `PSK mismatch -> solved`.
fn is_settled(body: &str, message: &[&str]) -> bool {
    const NONE: [&str; 16] = [
        "=0",
        "= 0",
        ": 0",
        "0 match",
        "0 hits",
        "0 times",
        "pattern: 0",
        "no match",
        "no hits",
        ": none",
        ": no",
        "- none",
        "- no",
        ": ok",
        ": ruled out",
        ": checked",
    ];
    const WORDS: usize = 10;
    let end = message
        .last()
        .and_then(|words| find(body, words.trim()).map(|at| at + words.trim().len()));
    let Some(rest) = end.and_then(|end| body.get(end..)) else {
        return false;
    };
    let behind = rest.trim_start_matches([']', ')', '"', '\'', '`', '*', ' ']);
    let none = NONE.iter().any(|none| {
        let (is, behind) = behind.split_at_checked(none.len()).unwrap_or_default();
        let word = none.ends_with(char::is_alphabetic) && !none.ends_with("match");
        let ends = |c: char| !(c.is_alphanumeric() || word && c == ' ');
        is.eq_ignore_ascii_case(none)
            && (none.ends_with("match") || behind.chars().next().is_none_or(ends))
    });
    let arrow = [" -> ", " => ", " → "].iter().any(|arrow| {
        rest.split_once(arrow).is_some_and(|(_, done)| {
            done.trim_start().starts_with(char::is_alphabetic)
                && done.split_whitespace().count() <= WORDS
                && holds(&plain(done), SETTLED)
        })
    });
    none || arrow
}

/// What is written beside a configuration, and the address of a page.
fn is_remark(body: &str) -> bool {
    const HEADS: [&str; 10] = [
        "description ",
        "remark ",
        "alias ",
        "set description ",
        "set comment",
        "comment=",
        "banner ",
        "http://",
        "https://",
        "//",
    ];
    let item = body.trim_start_matches(['-', '*', '•', '>', ' ']);
    let word = |w: &&str| w.len() > 1 && w.chars().all(char::is_alphabetic);
    let note = body.strip_prefix(['#', ';', '!']).is_some_and(|rest| {
        rest.starts_with(' ') && rest.split_whitespace().filter(word).count() >= 5
    });
    note && !is_logged(body.get(2..).unwrap_or_default())
        || HEADS.iter().any(|head| item.starts_with(head))
        || [
            "-> solved",
            "-> fixed",
            "-> resolved",
            "-> done",
            "-> closed",
        ]
        .iter()
        .any(|end| body.ends_with(end))
}

/// Whether a sentence doesn't say that what it names was so. `message` are the words of what it names, which mean nothing by
/// themselves.
fn is_unsaid(sentence: &str, message: &[&str]) -> bool {
    let around = around(sentence, message);
    // What doesn't appear to be an address is there, and is none.
    let told = plain(&around)
        .replace("does not appear to be a", "is not a")
        .replace("does not appear to be numeric", "is not numeric");
    let report = holds(&told, REPORT);
    is_asked_about(sentence, message)
        || holds(&told, CITED)
        || holds(&told, COMING)
        || holds(&told, DENIED) && !holds(&told, BUT_FOR)
        || !report && (holds(&told, SUSPECTED) || holds(&told, ADVISED))
        || !report && holds(&told, OVER) && !holds(&told, SAME)
        || !report && holds(&told, AT_FIRST) && holds(&told, MENDED) && !holds(&told, SAME)
        || message.first().is_some_and(|m| is_negated(sentence, m))
}

/// Whether the sentence tells that what the one before it names was mended.
fn is_mended_after(sentence: &str) -> bool {
    let told = plain(sentence);
    holds(&told, MENDED_NEXT) && !holds(&told, SAME) && !holds(&told, IN_THE_TEXT)
}

/// Whether *no*, *if* or the like stands before the words.
fn is_negated(sentence: &str, words: &str) -> bool {
    let words = words.trim();
    let found = find(sentence, words);
    let Some(ahead) = found.and_then(|at| sentence.get(..at)) else {
        return false;
    };
    let near = ahead.trim_end_matches([' ', '"', '\'', '`', '“', '«']);
    let near = near
        .rsplit([',', ';', ':', '(', '"'])
        .next()
        .unwrap_or_default();
    let near = plain(near);
    let mut last = near.split_whitespace().rev();
    matches!(
        (last.next(), last.next()),
        (
            Some("no" | "without" | "not" | "nor" | "neither" | "if" | "unless"),
            _
        ) | (
            Some("a" | "an" | "any" | "the" | "such"),
            Some("not" | "isnt" | "wasnt" | "never" | "if" | "unless")
        ) | (
            Some("see" | "say" | "says" | "print" | "prints" | "log" | "logs" | "show" | "find"),
            Some("dont" | "doesnt" | "didnt" | "not" | "never" | "cant" | "cannot")
        ) | (Some(_), Some("no" | "without" | "nor"))
    )
}

/// The sentence without what it quotes and without the words of the message.
fn around(sentence: &str, message: &[&str]) -> String {
    const MARKS: [(char, char); 4] = [('"', '"'), ('`', '`'), ('“', '”'), ('«', '»')];
    let mut out = sentence.to_owned();
    for (open, close) in MARKS {
        while let Some((before, rest)) = out.split_once(open)
            && let Some((_, after)) = rest.split_once(close)
        {
            out = format!("{before}, {after}");
        }
    }
    for words in message {
        let words = words.trim();
        if !words.is_empty()
            && let Some(at) = find(&out, words)
        {
            out.replace_range(at..at + words.len(), ", ");
        }
    }
    out
}

/// Where the words stand in a text, in either case.
fn find(text: &str, words: &str) -> Option<usize> {
    let at = text
        .as_bytes()
        .windows(words.len().max(1))
        .position(|w| w.eq_ignore_ascii_case(words.as_bytes()))?;
    text.is_char_boundary(at).then_some(at)
}

/// An item of a list.
fn is_item(body: &str) -> bool {
    let body = body.trim_start_matches(['>', ' ']);
    let numbered = body.split_once(['.', ')']).is_some_and(|(n, rest)| {
        matches!(n.len(), 1 | 2) && rest.starts_with(' ') && n.bytes().all(|b| b.is_ascii_digit())
    });
    numbered || body.starts_with(['-', '*', '•', '+', '"', '`', '“'])
}

/// Whether no program stands before it.
fn is_plain(sentence: &str) -> bool {
    !sentence.contains([':', '[', '<', '=', '%'])
}

/// Whether it ends with a question mark.
fn is_asked(text: &str) -> bool {
    let text = text.trim_end_matches([' ', '"', '*', '`']);
    // A program asks in brackets what it takes for the reason.
    let aside = text.rfind('(') > text.rfind(')');
    text.ends_with('?') && !aside
}

/// What only programs write: a thread and its part, a connection and its number, a number of a message.
fn is_logged(body: &str) -> bool {
    let first = body.split(' ').next().unwrap_or_default();
    first.contains('[') && first.starts_with(|c: char| c.is_ascii_digit() || c == '[')
        || first.starts_with('%')
        || body.contains("\" #")
        || body.contains(" ike ")
        || first.ends_with(':') && body.split(' ').nth(1).is_some_and(|w| w.ends_with(':'))
}

/// Whether the line is a command that looks for words, or says them itself.
fn is_search(body: &str) -> bool {
    const TOOLS: [&str; 14] = [
        "grep",
        "egrep",
        "fgrep",
        "zgrep",
        "zegrep",
        "bzgrep",
        "xzgrep",
        "rg",
        "ack",
        "findstr",
        "Select-String",
        "awk",
        "echo",
        "logger",
    ];
    // Behind a pipe, also those of routers.
    const FILTERS: [&str; 14] = [
        "include", "inc", "i", "match", "begin", "beg", "section", "sec", "exclude", "exc",
        "except", "find", "count", "sed",
    ];
    let tool = |command: &str| {
        let mut words = command.split_whitespace();
        let first = words.find(|w| !matches!(*w, "sudo" | "doas" | "time" | "command"));
        first.map(|w| w.rsplit('/').next().unwrap_or(w).to_owned())
    };
    let is_tool =
        |command: &str| tool(command).is_some_and(|t| TOOLS.contains(&t.as_str()) || t == "sls");
    let mut piped = body.split('|').map(str::trim);
    let command = piped.next().unwrap_or_default();
    if is_tool(command) || is_tool(after_prompt(command)) {
        return command.contains(' ');
    }
    piped.any(|filter| {
        filter.contains(' ')
            && (is_tool(filter)
                || after_prompt(command).len() < command.len()
                    && tool(filter).is_some_and(|t| FILTERS.contains(&t.as_str())))
    })
}

/// What was typed: `[root@gw ~]# `, `admin@srx> `, `R1#`.
fn after_prompt(text: &str) -> &str {
    const FAR: usize = 48;
    text.char_indices()
        .take_while(|(at, _)| *at < FAR)
        .find(|(_, c)| matches!(c, '$' | '#' | '>' | '%'))
        .and_then(|(at, _)| text.get(at + 1..))
        .map_or(text, str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "pre-shared key mismatch";

    fn only_named(body: &str) -> bool {
        let line = Line {
            at: None,
            program: None,
            body,
        };
        only_names(Sign::PskDiffers, &line, body, &Shape::new(MESSAGE))
    }

    #[test]
    fn who_asks_denies_suspects_advises_or_cites_has_seen_none() {
        for body in [
            "Could a pre-shared key mismatch cause that?",
            "- pre-shared key mismatch?",
            "We looked at it and there is no pre-shared key mismatch, both are the same.",
            "It isn't a pre-shared key mismatch, the other admin typed it twice.",
            "I suspect a pre-shared key mismatch but the other admin swears it's the same.",
            "Support asks to check for a pre-shared key mismatch on the other end.",
            "A \"pre-shared key mismatch\" is what I'd expect if so.",
            "They asked for \"pre-shared key mismatch\", but I don't see that in my log.",
            "The vendor's KB says \"pre-shared key mismatch\" is the most common reason.",
            "If the log says pre-shared key mismatch, type it again.",
            "First we had \"pre-shared key mismatch\" because of a typo; corrected yesterday.",
            "They see \"pre-shared key mismatch\" in the log. We corrected that on Monday.",
            "$ grep -c \"pre-shared key mismatch\" /var/log/ike.log",
            "[root@gw ~]# journalctl -u ipsec | grep -i \"pre-shared key mismatch\"",
            "fw1> less mp-log ikemgr.log | match \"pre-shared key mismatch\"",
            " description customer B, had pre-shared key mismatch in 2019",
            "# 2023-02: it was a pre-shared key mismatch of the branch, typed again",
            "12 Jan: pre-shared key mismatch on the branch -> solved",
            "log[pre-shared key mismatch]=0 log[other]=0",
            "Kann es ein pre-shared key mismatch sein?",
        ] {
            assert!(only_named(body), "{body}");
        }
        for body in [
            "pre-shared key mismatch",
            "ike: pre-shared key mismatch",
            "Why do I get \"pre-shared key mismatch\" here?",
            "The log says pre-shared key mismatch, maybe because of the umlaut.",
            "I only see \"pre-shared key mismatch\" and nothing else.",
            "I don't see anything but \"pre-shared key mismatch\" in the log.",
            "They fixed the address, and the log still says \"pre-shared key mismatch\".",
            "- we get pre-shared key mismatch on the branch",
            "received no answer: pre-shared key mismatch (is it typed in hex?)",
        ] {
            assert!(!only_named(body), "{body}");
        }
    }

    #[test]
    fn a_list_of_what_might_be_isn_t_heard_and_what_follows_is() {
        let mut unsaid = Unsaid::default();
        let mut heard = |body| {
            let line = Line {
                at: None,
                program: None,
                body,
            };
            !unsaid.line(&line, || None).by_readers.is_empty()
        };
        for (body, expected) in [
            ("These messages are in the vendor's guide:", true),
            ("\"pre-shared key mismatch\" - check the key", false),
            ("- PFS mismatch", false),
            ("The log of the box has only this:", true),
            ("PHASE-1 NEGOTIATION FAILED", true),
        ] {
            assert_eq!(heard(body), expected, "{body}");
        }
    }
}
