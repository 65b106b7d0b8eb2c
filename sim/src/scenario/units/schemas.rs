//! How numbers with units look to an editor.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Chance, Counts, Duration, Factor, Size, Times};

/// Gives each unit its schema.
macro_rules! schemas {
    ($($name:ident => $schema:tt),* $(,)?) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

schemas! {
    Duration => { "type": "string", "examples": ["5ms", "0.4ms", "10s"],
        "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ns|us|µs|μs|ms|s|m|h)\s*$" },
    Times => { "type": "string", "examples": ["1ms..3ms", "5ms"],
        "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ns|us|µs|μs|ms|s|m|h)\s*(\.\.\s*[0-9]+(\.[0-9]+)?\s*(ns|us|µs|μs|ms|s|m|h)\s*)?$" },
    Size => { "type": ["string", "integer"], "examples": ["512B", "4KiB"],
        "pattern": r"^\s*[0-9]+\s*(B|KiB|MiB)?\s*$", "minimum": 0 },
    Chance => { "type": "number", "minimum": 0, "maximum": 1 },
    Factor => { "type": "number", "exclusiveMinimum": 0 },
    Counts => { "type": ["string", "integer"], "examples": ["2..5"],
        "pattern": r"^\s*(0x[0-9a-fA-F]+|[0-9]+)\s*(\.\.\s*(0x[0-9a-fA-F]+|[0-9]+)\s*)?$", "minimum": 0 },
}
