//! The table at the end, and the same as CSV.

use std::fmt;
use std::path::Path;

/// One measured figure.
#[derive(Debug)]
pub(crate) struct Figure {
    name: String,
    per_second: f64,
    limit: Option<f64>,
    aim: Option<f64>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Figure {
    /// What the server does by itself.
    pub(crate) fn limit(name: String, per_second: f64) -> Self {
        Self { name, per_second, limit: None, aim: None }
    }

    /// What we do, beside that.
    pub(crate) fn rate(name: String, per_second: f64, limit: f64, aim: Option<f64>) -> Self {
        Self { name, per_second, limit: Some(limit), aim }
    }

    fn ratio(&self) -> Option<f64> {
        self.limit.map(|limit| self.per_second / limit)
    }

    fn met(&self) -> &'static str {
        match (self.ratio(), self.aim) {
            (Some(ratio), Some(aim)) if ratio >= aim => "yes",
            (Some(_), Some(_)) => "no",
            (None, _) | (_, None) => "",
        }
    }
}

impl Report {
    pub(crate) fn add(&mut self, figure: Figure) {
        eprintln!("bench: {figure}");
        self.figures.push(figure);
    }

    /// Columns `name,value,unit,limit,ratio,aim,met`.
    pub(crate) fn write(&self, path: &str) -> std::io::Result<()> {
        let number =
            |value: Option<f64>, places: usize| value.map(|value| format!("{value:.places$}")).unwrap_or_default();
        let mut text = String::from("name,value,unit,limit,ratio,aim,met\n");
        for figure in &self.figures {
            let Figure { name, per_second, limit, aim } = figure;
            text.push_str(&format!(
                "\"{name}\",{per_second:.0},per second,{},{},{},{}\n",
                number(*limit, 0),
                number(figure.ratio(), 2),
                number(*aim, 1),
                figure.met()
            ));
        }
        if let Some(folder) = Path::new(path).parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<58} {:>9.0}/s", self.name, self.per_second)?;
        if let Some(ratio) = self.ratio() {
            write!(f, "  {ratio:>5.2} x")?;
        }
        if let Some(aim) = self.aim {
            write!(f, "  (aim {aim:.1}: {})", self.met())?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.figures.iter().try_for_each(|figure| writeln!(f, "{figure}"))
    }
}
