//! Stack traces as data: exceptions that a framework serialised, with their frames as a list.

use serde_json::{Map, Value};

use crate::verdict::cut;

/// Members that hold frames, or exceptions that do; in lower case, without `_` and `-`.
const HOLDERS: [&str; 8] =
    ["stacktrace", "stack", "trace", "traceback", "frames", "cause", "suppressed", "exception"];
/// What a frame tells, each by the names that languages give it, in the same form.
const PLACES: [&[&str]; 4] = [
    &["file", "filename", "path", "abspath", "source"],
    &["line", "linenumber", "lineno"],
    &["class", "classname", "declaringclass", "module", "type", "namespace"],
    &["method", "methodname", "function", "functionname", "func", "name"],
];
/// Most values that are looked at in one reply.
const MOST: usize = 2_000;

/// A frame of a trace in a JSON value, in a few words. Remote text.
#[must_use]
pub fn frame(value: &Value) -> Option<String> {
    let mut open = vec![(value, false)];
    let mut looked = 0_usize;
    while let Some((value, held)) = open.pop() {
        looked = looked.saturating_add(1);
        if looked > MOST {
            return None;
        }
        match value {
            Value::Array(items) => open.extend(items.iter().take(MOST).map(|item| (item, held))),
            Value::Object(members) => {
                if let Some(words) = of_frame(members).filter(|_| held) {
                    return Some(words);
                }
                let holder = |name: &str| HOLDERS.contains(&plain(name).as_str());
                open.extend(members.iter().take(MOST).map(|(name, value)| (value, held || holder(name))));
            }
            _ => {}
        }
    }
    None
}

/// A place in the source: a line, and a file, a class or a method. Fewer could be anything.
fn of_frame(members: &Map<String, Value>) -> Option<String> {
    let told = |names: &[&str]| {
        members.iter().find(|(name, _)| names.contains(&plain(name).as_str())).and_then(|(_, value)| {
            match value {
                Value::String(text) if !text.is_empty() => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        })
    };
    let [file, line, class, method] = PLACES.map(told);
    let line = line.filter(|line| line.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))?;
    let place = file.as_ref().or(class.as_ref())?;
    (file.is_some() || method.is_some()).then(|| cut(&format!("{place}:{line}")))
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|character| !matches!(character, '_' | '-'));
    letters.take(24).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_of_several_languages_are_known() {
        let java = json!({"stackTrace":[{"className":"org.example.A","methodName":"run","fileName":"A.java","lineNumber":72}]});
        assert_eq!(frame(&java).as_deref(), Some("A.java:72"));
        let inside = json!({"error":{"data":{"exception":{"frames":[{"filename":"app.py","lineno":7,"function":"f"}]}}}});
        assert_eq!(frame(&inside).as_deref(), Some("app.py:7"));
        let caused = json!({"cause":{"stack_trace":[{"declaring-class":"x.Y","method":"z","line":3}]}});
        assert_eq!(frame(&caused).as_deref(), Some("x.Y:3"));
    }

    #[test]
    fn what_only_looks_like_a_trace_is_none() {
        for sound in [
            json!({"error":{"code":-32602,"data":{"line":3,"file":"a.md"}}}),
            json!({"stackTrace":[]}),
            json!({"trace":"4bf92f3577b34da6a3ce929d0e0e4736"}),
            json!({"frames":[{"name":"home","line":4}]}),
            json!({"exception":{"type":"ValidationError","message":"no"}}),
        ] {
            assert_eq!(frame(&sound), None, "{sound}");
        }
    }
}
