//! The JSON schema of scenario files, for editors and for the check of keys.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::spec::Spec;

/// The schema as text. Draft 7: TOML editors know no later one.
pub fn json_schema() -> String {
    format!("{:#}\n", schema())
}

/// The schema as a value.
pub(super) fn schema() -> Value {
    SchemaSettings::draft07()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<Spec>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::fault::FaultKind;

    #[test]
    fn the_schema_knows_every_kind_of_fault() {
        let schema = schema();
        let fault = &schema["definitions"]["FaultSpec"]["properties"];

        for kind in FaultKind::ALL {
            assert!(fault.get(kind.name()).is_some(), "{}", kind.name());
        }
    }

    #[test]
    fn no_table_takes_unknown_keys() {
        let schema = schema();
        let tables = schema["definitions"].as_object().unwrap().values();

        for table in tables.filter(|table| table.get("properties").is_some()) {
            assert_eq!(table["additionalProperties"], false, "{table:#}");
        }
        assert_eq!(schema["additionalProperties"], false);
    }
}
