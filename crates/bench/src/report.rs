//! The table at the end, and the same as CSV.

use crate::Fallible;
use std::fmt;
use std::fs::{create_dir_all, write};

const FOLDER: &str = "target/bench";

/// One measured figure.
#[derive(Debug)]
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    /// What the same server does by itself, or the same without what is tried.
    limit: Option<f64>,
    aim: Option<Aim>,
}

/// What is aimed at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    /// At least so many times the limit.
    AtLeast(f64),
    /// At most so many times the limit.
    AtMost(f64),
    /// Less than this, whatever else is measured.
    Below(f64),
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, limit: None, aim: None }
    }

    /// Beside what it is measured against, in the same unit.
    pub(crate) fn beside(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }

    pub(crate) fn aiming(self, aim: impl Into<Option<Aim>>) -> Self {
        Self { aim: aim.into(), ..self }
    }

    fn ratio(&self) -> Option<f64> {
        self.limit.map(|limit| self.value / limit)
    }

    fn met(&self) -> Option<bool> {
        match self.aim? {
            Aim::AtLeast(aim) => Some(self.ratio()? >= aim),
            Aim::AtMost(aim) => Some(self.ratio()? <= aim),
            Aim::Below(aim) => Some(self.value < aim),
        }
    }

    /// How many digits behind the point say something.
    fn places(&self) -> usize {
        if self.value.abs() < 100.0 { 2 } else { 0 }
    }

    fn csv(&self) -> String {
        let places = self.places();
        let number =
            |value: Option<f64>, places: usize| value.map(|value| format!("{value:.places$}")).unwrap_or_default();
        let met = self.met().map(|met| if met { "yes" } else { "no" }).unwrap_or_default();
        let Self { name, value, unit, limit, aim } = self;
        format!(
            "\"{name}\",{value:.places$},{unit},{},{},{},{met}\n",
            number(*limit, places),
            number(self.ratio(), 2),
            number(aim.map(Aim::number), 1),
        )
    }
}

impl Aim {
    fn number(self) -> f64 {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) | Self::Below(number) => number,
        }
    }
}

impl Report {
    /// Takes a figure; what was measured by now is on the disk, whatever comes next.
    pub(crate) fn add(&mut self, figure: Figure) -> Fallible<()> {
        eprintln!("bench: {figure}");
        self.figures.push(figure);
        create_dir_all(FOLDER)?;
        Ok(write(format!("{FOLDER}/results.csv"), self.csv())?)
    }

    /// An aim is one of the ratio where there is a limit, of the value where there is none.
    fn csv(&self) -> String {
        let header = "name,value,unit,limit,ratio,aim,met\n".to_owned();
        self.figures.iter().fold(header, |text, figure| text + &figure.csv())
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.places();
        write!(f, "{:<70} {:>9.places$} {:<10}", self.name, self.value, self.unit)?;
        match self.ratio() {
            Some(ratio) => write!(f, " {ratio:>6.2} x")?,
            None if self.aim.is_some() => write!(f, " {:>8}", "")?,
            None => {}
        }
        match self.aim {
            Some(Aim::AtLeast(aim)) => write!(f, "  at least {aim:.1} x")?,
            Some(Aim::AtMost(aim)) => write!(f, "  at most {aim:.1} x")?,
            Some(Aim::Below(aim)) => write!(f, "  below {aim:.0} {}", self.unit)?,
            None => {}
        }
        match self.met() {
            Some(true) => f.write_str(": met"),
            Some(false) => f.write_str(": not met"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.figures.iter().try_for_each(|figure| writeln!(f, "{figure}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(figure: Figure, aim: Aim) -> Option<bool> {
        figure.aiming(aim).met()
    }

    #[test]
    fn more_than_aimed_at_is_met_for_a_rate_and_missed_for_a_latency() {
        let rate = |per_second| Figure::new("appends", per_second, "per second").beside(100.0);
        let latency = |ms| Figure::new("p99", ms, "ms").beside(10.0);
        assert_eq!(
            (met(rate(250.0), Aim::AtLeast(2.5)), met(rate(249.0), Aim::AtLeast(2.5))),
            (Some(true), Some(false))
        );
        assert_eq!(
            (met(latency(15.0), Aim::AtMost(1.5)), met(latency(16.0), Aim::AtMost(1.5))),
            (Some(true), Some(false))
        );
    }

    #[test]
    fn what_stands_beside_nothing_is_judged_by_itself() {
        let memory = |mib| Figure::new("memory", mib, "MiB");
        assert_eq!(
            (met(memory(199.9), Aim::Below(200.0)), met(memory(200.0), Aim::Below(200.0))),
            (Some(true), Some(false))
        );
        assert_eq!(memory(1.0).met(), None);
        assert_eq!(met(memory(1.0), Aim::AtLeast(1.0)), None, "there is no ratio without a limit");
    }

    #[test]
    fn a_program_reads_the_table_by_its_columns() {
        let figures = vec![
            Figure::new("pgbench, 64 clients", 6_100.4, "per second"),
            Figure::new("p99", 4.125, "ms").beside(2.0).aiming(Aim::AtMost(1.5)),
        ];
        let csv = Report { figures }.csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(
            lines,
            [
                "name,value,unit,limit,ratio,aim,met",
                "\"pgbench, 64 clients\",6100,per second,,,,",
                "\"p99\",4.12,ms,2.00,2.06,1.5,no",
            ]
        );
    }
}
