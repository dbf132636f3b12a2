"""Countries: codes and names become codes, and nothing is cut."""

import pytest

from schemas.countries import MAX_NAME, country_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FR", "FR"),
        ("gb", "GB"),
        ("IRL", "IE"),
        ("Ireland", "IE"),
        ("AUT", "AT"),
        ("Austria", "AT"),
        ("Autriche", "AT"),
        ("ÉTATS-UNIS", "US"),
        ("Etats Unis", "US"),
        ("u.s.a.", "US"),
        (" Côte d’Ivoire ", "CI"),
        ("Bosnia and Herzegovina", "BA"),
        ("Saint Lucia", "LC"),
        ("UK", "GB"),
        ("Chile", "CL"),
        ("Germany", "DE"),
        ("fr-FR", None),
        ("Oz", None),
        ("XX", None),
        ("", None),
        ("France" * MAX_NAME, None),
    ],
)
def test_a_country_is_its_code_or_none(text: str, code: str | None) -> None:
    assert country_code(text) == code
