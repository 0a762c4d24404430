//! Conditions on predicates: one expression of the Common Expression Language over what an attestation claims.
//!
//! An expression reads, and nothing else: it has no loops but over what is there, and reaches nothing outside. Loops in loops over a large predicate can still take long, so each
//! evaluation has a limit, and passing it is a refusal.
//!
//! Source: `google/cel-spec`, `doc/langdef.md`.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use cel::{Context, Env, Value};

/// Longest expression, in bytes.
const MAX_EXPRESSION_BYTES: usize = 4096;

/// How long an evaluation may take. Those of policies take microseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// Room for the evaluation of nested values; JSON is read 128 levels deep.
const STACK_BYTES: usize = 16 << 20;

/// A condition. The predicate is `predicate` in it, and its type `predicate_type`.
#[derive(Clone)]
pub struct Condition {
    text: String,
    env: Arc<Env>,
    program: Arc<cel::Program>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({})", self.text)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

impl Condition {
    /// Reads an expression such as `predicate.verificationResult == "PASSED"`.
    ///
    /// # Errors
    /// Where it is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_EXPRESSION_BYTES {
            return Err(format!("it is longer than {MAX_EXPRESSION_BYTES} bytes"));
        }
        let source = text.to_owned();
        let env = Arc::new(Env::stdlib());
        let compiler = env.clone();
        // The parser goes as deep as the expression is nested.
        let program = apart(move || compiler.compile(&source).map_err(|error| error.to_string()))??;
        Ok(Self { text: text.to_owned(), env, program: Arc::new(program) })
    }

    /// Whether it is true of a predicate.
    ///
    /// # Errors
    /// When it is not, with what it gave.
    pub fn check(&self, predicate_type: &str, predicate: &serde_json::Value) -> Result<(), String> {
        let (program, env, predicate_type, predicate) =
            (self.program.clone(), self.env.clone(), predicate_type.to_owned(), predicate.clone());
        let outcome = apart(move || {
            let mut context = Context::with_env(env);
            context.add_variable("predicate_type", predicate_type).map_err(|error| error.to_string())?;
            let predicate = cel::to_value(&predicate).map_err(|error| error.to_string())?;
            context.add_variable_from_value("predicate", predicate);
            match program.execute(&context) {
                Ok(Value::Bool(true)) => Ok(()),
                Ok(Value::Bool(false)) => Err("is not true of it".to_owned()),
                Ok(_) => Err("is neither true nor false of it".to_owned()),
                // The library's message may quote all of the predicate.
                Err(error) => {
                    Err(format!("cannot be told of it: {}", error.to_string().chars().take(200).collect::<String>()))
                }
            }
        });
        outcome.and_then(|result| result).map_err(|error| format!("the condition `{}` {error}", self.text))
    }
}

/// Runs something on a thread of its own, which is left behind when it takes too long; the program ends soon after.
fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (done, result) = channel();
    let thread = std::thread::Builder::new().name("condition".to_owned()).stack_size(STACK_BYTES);
    thread.spawn(move || done.send(work())).map_err(|error| format!("cannot be evaluated: {error}"))?;
    result.recv_timeout(LIMIT).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("took longer than {} s", LIMIT.as_secs()),
        RecvTimeoutError::Disconnected => "cannot be evaluated".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_on_what_is_claimed() {
        let predicate = json!({
            "verificationResult": "PASSED", "levels": ["A", "B"],
            "dependencies": [{"uri": "https://a.example/x"}, {"uri": "https://b.example/y"}],
        });
        for (text, expected) in [
            (r#"predicate.verificationResult == "PASSED""#, true),
            (r#"predicate.verificationResult == "FAILED""#, false),
            (r#"predicate_type.startsWith("https://slsa.dev/")"#, true),
            (r#"predicate.dependencies.all(d, d.uri.startsWith("https://"))"#, true),
            (r#"predicate.dependencies.all(d, d.uri.matches("^https://a[.]"))"#, false),
            (r#""A" in predicate.levels && size(predicate.levels) == 2"#, true),
            (r#"has(predicate.absent) || predicate.levels.exists(l, l == "B")"#, true),
            // What is not there, and what is no answer, is never true.
            (r#"predicate.absent == "x""#, false),
            ("predicate.levels", false),
            ("absent", false),
            ("1", false),
        ] {
            let condition = Condition::parse(text).unwrap();
            let outcome = condition.check("https://slsa.dev/verification_summary/v1", &predicate);
            assert_eq!(outcome.is_ok(), expected, "{text}: {outcome:?}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told() {
        let deep = format!("{}1{}", "(".repeat(2000), ")".repeat(2000));
        let long = "a".repeat(5000);
        for text in ["", "predicate.", "a ==", "\"", "a b", &long] {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
        // However it ends, the program goes on.
        let _ = Condition::parse(&deep);
    }

    #[test]
    fn evaluation_ends() {
        let many: Vec<u32> = (0..3000).collect();
        let condition =
            Condition::parse("predicate.all(a, predicate.all(b, predicate.all(c, a + b + c >= 0)))").unwrap();
        let outcome = condition.check("t", &json!(many));
        assert!(outcome.unwrap_err().contains("took longer"));
    }
}
