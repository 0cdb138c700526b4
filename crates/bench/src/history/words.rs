//! What people, firms, projects and notes are called.

use crate::history::chance::Chance;

const GIVEN: [&str; 48] = [
    "Ada", "Amara", "Anton", "Astrid", "Beatriz", "Carl", "Chen", "Clara", "Dario", "Dilnoza", "Elif", "Emil",
    "Esther", "Farid", "Freya", "Gina", "Goran", "Hana", "Hugo", "Ines", "Ivo", "Jonas", "Kaia", "Katya", "Lena",
    "Liam", "Lucia", "Marek", "Mei", "Milan", "Nadia", "Nils", "Noor", "Otto", "Pavel", "Petra", "Piet", "Priya",
    "Rosa", "Samir", "Selma", "Tess", "Theo", "Uma", "Viktor", "Yara", "Yusuf", "Zofia",
];

const FAMILY: [&str; 48] = [
    "Abara",
    "Almeida",
    "Andersen",
    "Berg",
    "Bianchi",
    "Brandt",
    "Costa",
    "Dahl",
    "Dimitrov",
    "Duarte",
    "Eriksen",
    "Fischer",
    "Fontaine",
    "Garcia",
    "Haddad",
    "Harper",
    "Hoffmann",
    "Ivanova",
    "Jansen",
    "Kaya",
    "Keller",
    "Kowalski",
    "Laine",
    "Lindqvist",
    "Lopez",
    "Marchetti",
    "Meyer",
    "Moreau",
    "Nagy",
    "Novak",
    "Okafor",
    "Olsen",
    "Osei",
    "Park",
    "Petrov",
    "Rossi",
    "Roth",
    "Saar",
    "Santos",
    "Schneider",
    "Silva",
    "Tamm",
    "Tanaka",
    "Vela",
    "Virtanen",
    "Weber",
    "Yilmaz",
    "Zielinski",
];

const FIRST_WORD: [&str; 40] = [
    "Alder",
    "Amber",
    "Anchor",
    "Aspen",
    "Beacon",
    "Birch",
    "Brightwater",
    "Cedar",
    "Cobalt",
    "Copper",
    "Delta",
    "Elm",
    "Ember",
    "Falcon",
    "Fern",
    "Fjord",
    "Granite",
    "Harbour",
    "Hazel",
    "Heron",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Larch",
    "Lumen",
    "Maple",
    "Meridian",
    "Nimbus",
    "North",
    "Oak",
    "Orchard",
    "Pine",
    "Quarry",
    "Ridge",
    "Rowan",
    "Sable",
    "Summit",
    "Tidal",
    "Willow",
    "Zenith",
];

const CLIENT_KIND: [&str; 24] = [
    "Bakeries",
    "Bank",
    "Breweries",
    "Ceramics",
    "Clinics",
    "Energy",
    "Estates",
    "Ferries",
    "Foods",
    "Foundation",
    "Insurance",
    "Logistics",
    "Media",
    "Museum",
    "Optics",
    "Pharma",
    "Press",
    "Rail",
    "Robotics",
    "Schools",
    "Steel",
    "Textiles",
    "Tours",
    "Water",
];

const FIRM_KIND: [&str; 12] = [
    "Advisory",
    "Architects",
    "Associates",
    "Consulting",
    "Design",
    "Engineering",
    "Labs",
    "Legal",
    "Partners",
    "Studio",
    "Systems",
    "Works",
];

const PROJECT: [&str; 24] = [
    "Annual audit",
    "Booking platform",
    "Brand refresh",
    "Compliance review",
    "Customer portal",
    "Data warehouse",
    "Energy concept",
    "Intranet",
    "Due diligence",
    "Market study",
    "Mobile app",
    "Office move",
    "Patient portal",
    "Payroll migration",
    "Process mapping",
    "Quality handbook",
    "Reporting suite",
    "Security review",
    "Site planning",
    "Supplier portal",
    "Tax advice",
    "Timetable app",
    "Training programme",
    "Web shop relaunch",
];

/// What a contract orders, and what an hour of it costs at least, in whole units of the currency.
const LINES: [(&str, u64); 10] = [
    ("Analysis", 95),
    ("Coaching", 110),
    ("Design", 105),
    ("Documentation", 80),
    ("Engineering", 120),
    ("Expert opinion", 160),
    ("Project lead", 130),
    ("Prototype", 100),
    ("Research", 90),
    ("Testing", 85),
];

const DOING: [&str; 16] = [
    "Answered questions about",
    "Call about",
    "Corrected",
    "Draft of",
    "Estimate for",
    "Finished",
    "Interviews on",
    "Measurements for",
    "Prepared",
    "Presentation of",
    "Review of",
    "Site visit for",
    "Sketches of",
    "Tested",
    "Workshop on",
    "Wrote up",
];

const WITH: [&str; 24] = [
    "the acceptance criteria",
    "the budget",
    "the checkout",
    "the contract annex",
    "the data model",
    "the delivery plan",
    "the first findings",
    "the floor plan",
    "the forms",
    "the hand-over",
    "the import",
    "the interface",
    "the monthly report",
    "the navigation",
    "the open points",
    "the page templates",
    "the payment flow",
    "the permissions",
    "the risk register",
    "the roll-out",
    "the search",
    "the stakeholder map",
    "the tender",
    "the test cases",
];

const AGAINST_TIME: [&str; 6] = [
    "We agreed on less for this. Please look again.",
    "This was covered by the fixed part.",
    "Nobody of us was at this meeting. Please check the day.",
    "Please book this on the other line of the contract.",
    "Half of this was rework.",
    "The note does not say what was done.",
];

const AGAINST_INVOICE: [&str; 5] = [
    "The second line is not what we ordered: please charge it as agreed.",
    "Our order number is missing.",
    "Please split this by department.",
    "The discount that we agreed on is not in it.",
    "Please charge this month's travel with the next invoice.",
];

/// A person's name.
pub(crate) fn person(chance: &mut Chance) -> (&'static str, &'static str) {
    (chance.pick(&GIVEN), chance.pick(&FAMILY))
}

/// A professional-services firm's name.
pub(crate) fn firm(chance: &mut Chance) -> String {
    format!("{} {}", chance.pick(&FIRST_WORD), chance.pick(&FIRM_KIND))
}

/// A client's name.
pub(crate) fn client(chance: &mut Chance) -> String {
    format!("{} {}", chance.pick(&FIRST_WORD), chance.pick(&CLIENT_KIND))
}

/// A project's name.
pub(crate) fn project(chance: &mut Chance, year: i32) -> String {
    let name = chance.pick(&PROJECT);
    if chance.in_a_hundred(40) { format!("{name} {year}") } else { name.to_owned() }
}

/// A contract's lines: name, and what an hour costs, in whole units of the currency.
pub(crate) fn contract(chance: &mut Chance) -> Vec<(&'static str, u64)> {
    let mut all = LINES;
    chance.shuffle(&mut all);
    let several = chance.between(1, 4) as usize;
    all.into_iter().take(several).map(|(name, least)| (name, least + 5 * chance.below(8))).collect()
}

/// What somebody did.
pub(crate) fn work(chance: &mut Chance) -> String {
    let work = format!("{} {}", chance.pick(&DOING), chance.pick(&WITH));
    if chance.in_a_hundred(20) { format!("{work}, round {}", chance.between(2, 9)) } else { work }
}

/// Why time is refused.
pub(crate) fn against_time(chance: &mut Chance) -> &'static str {
    chance.pick(&AGAINST_TIME)
}

/// Why an invoice is refused.
pub(crate) fn against_invoice(chance: &mut Chance) -> &'static str {
    chance.pick(&AGAINST_INVOICE)
}
