"""Words and patterns of the demo world's titles, used by `core.demo.world`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one genre.

    Attributes:
        adjectives: Adjectives for titles.
        people: Professions and characters for titles.
    """

    adjectives: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A title with gaps.

    Attributes:
        text: Format string of the title.
        needs_site: Whether the motif must be a place.
    """

    text: str
    needs_site: bool = False


GENRES = {
    "Adventure": Words(
        ("Uncharted", "Emerald", "Forbidden", "Wandering", "Northern", "Sunken"),
        ("Cartographer", "Navigator", "Smuggler", "Mountaineer", "Deserter", "Pearl Diver"),
    ),
    "Comedy": Words(
        ("Borrowed", "Improbable", "Second-Hand", "Reluctant", "Upstairs", "Perfectly Good"),
        ("Landlady", "Dentist", "Bridegroom", "Understudy", "Pastry Chef", "Goalkeeper"),
    ),
    "Drama": Words(
        ("Quiet", "Unfinished", "Faraway", "Paper", "Ordinary", "Inherited"),
        ("Schoolmaster", "Widow", "Piano Tuner", "Welder", "Translator", "Midwife"),
    ),
    "Fantasy": Words(
        ("Enchanted", "Ivory", "Sleeping", "Thornwood", "Thirteenth", "Singing"),
        ("Alchemist", "Changeling", "Weaver", "Bellringer", "Falconer", "Candlemaker"),
    ),
    "Horror": Words(
        ("Hollow", "Breathing", "Crimson", "Buried", "Whispering", "Nameless"),
        ("Embalmer", "Sexton", "Governess", "Taxidermist", "Ragman", "Night Nurse"),
    ),
    "Mystery": Words(
        ("Missing", "Locked", "Vanishing", "Counterfeit", "Silent", "Seventh"),
        ("Archivist", "Inspector", "Locksmith", "Forger", "Night Porter", "Stenographer"),
    ),
    "Romance": Words(
        ("Tender", "Golden", "Wild", "Unwritten", "Barefoot", "Evening"),
        ("Florist", "Dancing Master", "Violin Maker", "Postmistress", "Stranger", "Balloonist"),
    ),
    "Science Fiction": Words(
        ("Orbital", "Synthetic", "Frozen", "Quantum", "Outer", "Artificial"),
        ("Terraformer", "Android", "Astronomer", "Clone", "Signalman", "Stowaway"),
    ),
}

# Motifs that are places, and all motifs; a user's favourite word is one of them.
SITES = frozenset(
    {"Bridge", "Carnival", "Garden", "Harbour", "Island", "Lighthouse", "Orchard", "River", "Station", "Tower"}
)
MOTIFS = SITES | {
    "Bell",
    "Clock",
    "Crow",
    "Ferry",
    "Lantern",
    "Letter",
    "Map",
    "Mirror",
    "Moon",
    "Storm",
    "Train",
    "Window",
    "Winter",
}

PLACES = (
    "Harrow", "Marrowgate", "Elmsworth", "Valdoria", "Corvane", "Pinehallow",
    "Saltmere", "Ostermoor", "Quillon", "Bellavoir", "Tarnwick", "San Amaro",
)  # fmt: skip
MOMENTS = ("Midnight", "Sunday", "Nightfall", "One Summer", "High Noon", "Daybreak", "New Year", "A Wedding")
KIN = ("Daughter", "Apprentice", "Promise", "Confession", "Second Wife", "Last Secret", "Silence", "Brother")
DEEDS = ("Remembered", "Came Back", "Would Not Answer", "Nobody Wanted", "Knew Her Name", "Waited")

PATTERNS = (
    Pattern("The {person}'s {motif}"),
    Pattern("The {adjective} {motif}"),
    Pattern("The {motif} of {place}"),
    Pattern("The {person} and the {motif}"),
    Pattern("One {motif} for the {person}"),
    Pattern("The Last {motif} in {place}"),
    Pattern("The {motif} That {deed}"),
    Pattern("The {adjective} {person}"),
    Pattern("Somebody Else's {motif}"),
    Pattern("Our {adjective} {motif}"),
    Pattern("{moment} with the {person}"),
    Pattern("Beyond the {adjective} {motif}"),
    Pattern("The {person}'s {kin}"),
    Pattern("{moment} at {place} {motif}", needs_site=True),
    Pattern("Farewell, {place} {motif}", needs_site=True),
    Pattern("Return to the {adjective} {motif}", needs_site=True),
    Pattern("The {person} of {place} {motif}", needs_site=True),
)
