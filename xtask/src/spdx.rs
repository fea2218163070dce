//! Licence expressions: does this one let us use the package under licences we allow?
//!
//! `OR` is our choice, `AND` asks for both, `X WITH Y` counts as one licence, `/` is the old spelling of `OR`.

/// Whether `expression` can be satisfied by licences in `allow` alone.
pub fn allowed(expression: &str, allow: &[String]) -> Result<bool, String> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = Words {
        words: spaced.split_whitespace().collect(),
        next: 0,
        allow,
    };
    let verdict = words.any()?;
    match words.peek() {
        None => Ok(verdict),
        Some(word) => Err(format!("`{word}` was not expected")),
    }
}

struct Words<'a> {
    words: Vec<&'a str>,
    next: usize,
    allow: &'a [String],
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut verdict = self.all()?;
        while self.take("OR") {
            verdict |= self.all()?;
        }
        Ok(verdict)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Ok(verdict)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let verdict = self.any()?;
            return if self.take(")") {
                Ok(verdict)
            } else {
                Err("`)` is missing".to_owned())
            };
        }
        let name = self.peek().ok_or("a licence is missing")?;
        self.next += 1;
        let mut full = name.to_owned();
        if self.take("WITH") {
            let exception = self.peek().ok_or("an exception is missing")?;
            self.next += 1;
            full = format!("{name} WITH {exception}");
        }
        Ok(self.allow.contains(&full))
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn expressions_are_judged() {
        let allow: Vec<String> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
            .map(String::from)
            .into();
        for (expression, verdict) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only AND MIT", false),
            ("MIT/Apache-2.0", true),
            ("ISC AND (Apache-2.0 OR ISC)", true),
            ("ISC AND (Apache-2.0 OR BSD-3-Clause)", false),
            ("MIT AND ISC OR GPL-3.0-only", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
        ] {
            assert_eq!(allowed(expression, &allow), Ok(verdict), "{expression}");
        }
        for broken in ["", "MIT OR", "(MIT", "MIT ISC", "MIT WITH"] {
            assert!(allowed(broken, &allow).is_err(), "{broken}");
        }
    }
}
