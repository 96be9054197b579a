//! Commands: a program, its arguments, the variables of its environment.

use super::fault::{Fault, Format};

/// The program or an argument of a command.
pub(crate) static ARGUMENT: Format = Format {
    name: "an argument",
    expected: "the program or one argument, such as \"--port\"",
    example: "--port",
    pattern: Some("^[^\\u0000]*$"),
    unit: None,
    check: |text| argument(text).map(drop),
};

/// The name of a variable.
pub(crate) static VARIABLE: Format = Format {
    name: "the name of a variable",
    expected: "the name of a variable, such as \"MODE\"",
    example: "MODE",
    pattern: Some("^[^=\\u0000]+$"),
    unit: None,
    check: |text| variable(text).map(drop),
};

/// The value of a variable.
pub(crate) static VALUE: Format = Format {
    name: "the value of a variable",
    expected: "a text",
    example: "prod",
    pattern: Some("^[^\\u0000]*$"),
    unit: None,
    check: |text| argument(text).map(drop),
};

/// The system ends texts at a NUL.
pub(crate) fn argument(text: &str) -> Result<String, Fault> {
    if text.contains('\0') { Err(Fault::default()) } else { Ok(text.to_owned()) }
}

pub(crate) fn variable(text: &str) -> Result<String, Fault> {
    let fits = !text.is_empty() && !text.contains(['=', '\0']);
    if fits { Ok(text.to_owned()) } else { Err(Fault::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_cannot_pass_on_is_refused() {
        for text in ["", "--port", "{port}", "a b", "é"] {
            assert_eq!(argument(text).as_deref(), Ok(text));
        }
        assert!(argument("a\0b").is_err());
        for text in ["", "A=B", "A\0"] {
            assert!(variable(text).is_err(), "{text:?}");
        }
        assert_eq!(variable("shop.mode").as_deref(), Ok("shop.mode"));
    }
}
