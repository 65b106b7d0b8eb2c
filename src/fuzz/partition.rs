//! Which part of a campaign is run here: said outright, or read from what an array job is told.

use bivalent_sim::campaign::fuzz::Slice;

use crate::exit::{Exit, Failure};

/// Parts that a campaign can have.
const PARTS_MAX: u32 = 100_000;
/// Where an index, and how many there are, are read from: name of the index, of the count, of the first index.
const ARRAYS: [(&str, &str, Option<&str>); 3] = [
    (
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_COUNT",
        Some("SLURM_ARRAY_TASK_MIN"),
    ),
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", None),
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", None),
];

/// What `--partition` says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Partition {
    /// This part.
    Slice(Slice),
    /// As the environment says; of so many parts, if it does not say of how many.
    Auto(Option<u32>),
}

impl Partition {
    /// Reads `slice:3/8`, `auto` or `auto/8`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "slice:M/N with M from 1 to N, auto, or auto/N".to_owned();
        let count = |text: &str| -> Result<u32, String> {
            let count: u32 = text.parse().map_err(|_| wrong())?;
            if (1..=PARTS_MAX).contains(&count) {
                Ok(count)
            } else {
                Err(wrong())
            }
        };
        if text == "auto" {
            return Ok(Self::Auto(None));
        }
        if let Some(parts) = text.strip_prefix("auto/") {
            return count(parts).map(|count| Self::Auto(Some(count)));
        }
        let (number, parts) = text
            .strip_prefix("slice:")
            .and_then(|text| text.split_once('/'))
            .ok_or_else(wrong)?;
        let slice = Slice {
            number: count(number)?,
            count: count(parts)?,
        };
        if slice.number > slice.count {
            return Err(wrong());
        }
        Ok(Self::Slice(slice))
    }

    /// The part.
    pub(crate) fn slice(self) -> Result<Slice, Failure> {
        match self {
            Self::Slice(slice) => Ok(slice),
            Self::Auto(count) => from_environment(count, &|name| std::env::var(name).ok()),
        }
    }
}

fn from_environment(
    count: Option<u32>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Slice, Failure> {
    let usage = |message: String, help: &str| Failure::new(Exit::Usage, message).help(help);
    let number = |name: &str| -> Result<Option<u32>, Failure> {
        let Some(text) = variable(name) else {
            return Ok(None);
        };
        let number = text.trim().parse::<u32>();
        number.map(Some).map_err(|_| {
            let message = format!("{name} is `{text}`, which is no number");
            usage(message, "say which part it is: --partition slice:M/N")
        })
    };
    for (index, total, first) in ARRAYS {
        let Some(at) = number(index)? else { continue };
        let told = number(total)?;
        let Some(count) = count.or(told).filter(|&count| count > 0) else {
            let message = format!("{index} says which part this is, and nothing says of how many");
            return Err(usage(message, "say it: --partition auto/N"));
        };
        // Arrays begin at 0 or 1, as their owner says; other indices at 0, but for CI nodes at 1.
        let from = match first {
            Some(first) => number(first)?.unwrap_or(0),
            None => u32::from(index.starts_with("CI_")),
        };
        if from > 1 || told.is_some_and(|told| told < count) {
            // Some tasks of an array, run again by themselves: their numbers do not say where it began.
            let message = format!("{index} is {at} of an array that is not the whole one");
            let help = "say which part it is: --partition slice:M/N";
            return Err(usage(message, help));
        }
        let number = at.checked_sub(from).map(|at| at + 1);
        if let Some(number) = number.filter(|&number| number <= count) {
            return Ok(Slice { number, count });
        }
        let message = format!("{index} is {at}, and there are {count} parts from {from} on");
        return Err(usage(
            message,
            "say which part it is: --partition slice:M/N",
        ));
    }
    let names = ARRAYS.map(|(index, ..)| index).join(", ");
    let message = format!("--partition auto: none of {names} is set");
    Err(usage(
        message,
        "say which part it is: --partition slice:M/N",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(count: Option<u32>, set: &[(&str, &str)]) -> Result<Slice, Failure> {
        let variable = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        from_environment(count, &variable)
    }

    #[test]
    fn a_part_is_read_as_it_is_written() {
        let slice = |number, count| Ok(Partition::Slice(Slice { number, count }));

        assert_eq!(Partition::parse("slice:3/8"), slice(3, 8));
        assert_eq!(Partition::parse("auto"), Ok(Partition::Auto(None)));
        assert_eq!(Partition::parse("auto/8"), Ok(Partition::Auto(Some(8))));
        for wrong in [
            "3/8",
            "slice:0/8",
            "slice:9/8",
            "slice:1/0",
            "auto/0",
            "slice:a/b",
            "auto/x",
        ] {
            assert!(Partition::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_array_job_knows_its_part() {
        let slurm = [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
        ];
        let kubernetes = [("JOB_COMPLETION_INDEX", "0")];

        assert_eq!(
            auto(None, &slurm).unwrap(),
            Slice {
                number: 3,
                count: 4
            }
        );
        assert_eq!(
            auto(Some(16), &kubernetes).unwrap(),
            Slice {
                number: 1,
                count: 16
            }
        );
        assert_eq!(
            auto(None, &[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "2")]).unwrap(),
            Slice {
                number: 2,
                count: 2
            }
        );
    }

    #[test]
    fn what_does_not_say_enough_is_refused() {
        for set in [
            &[][..],
            &[("JOB_COMPLETION_INDEX", "3")],
            &[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "2")],
            &[
                ("SLURM_ARRAY_TASK_ID", "3"),
                ("SLURM_ARRAY_TASK_COUNT", "1"),
                ("SLURM_ARRAY_TASK_MIN", "3"),
            ],
            &[
                ("SLURM_ARRAY_TASK_ID", "x"),
                ("SLURM_ARRAY_TASK_COUNT", "2"),
            ],
        ] {
            assert_eq!(auto(None, set).unwrap_err().exit, Exit::Usage, "{set:?}");
        }
    }
}
