//! What the environment says of a check: the one place where the library listens to it.

/// The seed to run.
pub(super) const SEED: &str = "BIVALENT_SEED";
/// How many runs.
pub(super) const RUNS: &str = "BIVALENT_RUNS";

/// What was said, as it was said.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) seed: Option<String>,
    pub(super) runs: Option<String>,
}

impl Said {
    /// What the environment says.
    #[expect(
        clippy::disallowed_methods,
        reason = "arguments do not get through `cargo test` to one test: variables do"
    )]
    pub(super) fn in_the_environment() -> Self {
        let said = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            seed: said(SEED),
            runs: said(RUNS),
        }
    }

    /// The one seed to run, if one was said.
    pub(super) fn seed(&self) -> Result<Option<u64>, String> {
        number(SEED, self.seed.as_deref())
    }

    /// How many runs, if that was said.
    pub(super) fn runs(&self) -> Result<Option<u64>, String> {
        number(RUNS, self.runs.as_deref())
    }
}

/// A number, in decimal or as 0x-hex; a coordinate's is what stands after its `@`.
fn number(name: &str, said: Option<&str>) -> Result<Option<u64>, String> {
    let Some(said) = said else { return Ok(None) };
    let text = said.rsplit('@').next().unwrap_or(said).trim();
    let number = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    match number {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!(
            "{name} is {said:?}, which is no number: 42 and 0x2a are"
        )),
    }
}
