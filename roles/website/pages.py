"""The words of what visitors see when something is wrong, in the languages of the organisation."""

from __future__ import annotations

from dataclasses import dataclass

FALLBACK = "en"
BACK = {"en": "To the start page", "es": "A la página de inicio", "fr": "Page d'accueil", "de": "Zur Startseite"}

# Code -> language -> a title, and what to do.
WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "403": {
        "en": ("This page is not for everybody", "If you think that it should be for you, tell whoever sent you here."),
        "es": (
            "Esta página no es para todo el mundo",
            "Si cree que debería poder verla, avise a quien le dio la dirección.",
        ),
        "fr": (
            "Cette page n'est pas ouverte à tout le monde",
            "Si vous pensez devoir y accéder, dites-le à qui vous a donné l'adresse.",
        ),
        "de": (
            "Diese Seite ist nicht für alle",
            "Wenn Sie meinen, dass Sie sie sehen sollten, sagen Sie es denen, die Sie hergeschickt haben.",
        ),
    },
    "404": {
        "en": ("There is no such page", "It may have moved, or the address may have a mistake in it."),
        "es": ("Esta página no existe", "Puede que se haya movido, o que la dirección tenga un error."),
        "fr": ("Cette page n'existe pas", "Elle a peut-être été déplacée, ou l'adresse contient une erreur."),
        "de": (
            "Diese Seite gibt es nicht",
            "Vielleicht ist sie umgezogen, oder in der Adresse steckt ein Fehler.",
        ),
    },
    "413": {
        "en": ("This is too large", "Please send a smaller file."),
        "es": ("Es demasiado grande", "Envíe un archivo más pequeño, por favor."),
        "fr": ("C'est trop volumineux", "Merci d'envoyer un fichier plus petit."),
        "de": ("Das ist zu groß", "Bitte schicken Sie eine kleinere Datei."),
    },
    "429": {
        "en": ("That was a lot at once", "Please wait a minute and try again."),
        "es": ("Fueron muchas peticiones a la vez", "Espere un minuto y vuelva a intentarlo, por favor."),
        "fr": ("Trop de demandes à la fois", "Merci d'attendre une minute avant de réessayer."),
        "de": ("Das war viel auf einmal", "Bitte warten Sie eine Minute und versuchen Sie es noch einmal."),
    },
    "500": {
        "en": ("Something went wrong here", "It is not your fault. Please try again later."),
        "es": ("Algo ha fallado aquí", "No es culpa suya. Vuelva a intentarlo más tarde, por favor."),
        "fr": ("Quelque chose s'est mal passé ici", "Ce n'est pas votre faute. Merci de réessayer plus tard."),
        "de": ("Hier ist etwas schiefgegangen", "Es liegt nicht an Ihnen. Bitte versuchen Sie es später noch einmal."),
    },
    "502": {
        "en": ("This site does not answer at the moment", "Please try again in a few minutes."),
        "es": ("Este sitio no responde en este momento", "Vuelva a intentarlo dentro de unos minutos, por favor."),
        "fr": ("Ce site ne répond pas pour l'instant", "Merci de réessayer dans quelques minutes."),
        "de": ("Diese Website antwortet gerade nicht", "Bitte versuchen Sie es in einigen Minuten noch einmal."),
    },
    "503": {
        "en": ("We are working on this site", "It will be back soon. Please try again in a while."),
        "es": ("Estamos trabajando en este sitio", "Volverá pronto. Inténtelo de nuevo dentro de un rato, por favor."),
        "fr": ("Ce site est en travaux", "Il sera bientôt de retour. Merci de réessayer un peu plus tard."),
        "de": ("Wir arbeiten an dieser Website", "Sie ist bald zurück. Bitte versuchen Sie es später noch einmal."),
    },
}


@dataclass(frozen=True)
class Words:
    """What one page says in one language."""

    language: str
    title: str
    text: str
    back: str


def words_of(code: str, languages: tuple[str, ...]) -> tuple[Words, ...]:
    """Return what the page of one code says in those languages that we speak; in English where it is none of them."""
    spoken = tuple(language for language in languages if language in BACK) or (FALLBACK,)
    return tuple(Words(language, *WORDS[code][language], BACK[language]) for language in spoken)
