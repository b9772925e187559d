"""Settings come from the environment or the secrets, and invalid ones are never ignored."""

from __future__ import annotations

import pytest

from fer_core.errors import ConfigError
from fer_core.hosting.settings import HostingSettings

read = HostingSettings.read


@pytest.mark.parametrize(
    ("environment", "secrets"),
    [({}, {}), ({"FER_HOSTED": "0"}, {"enabled": True}), ({}, {"enabled": False, "epochs": 3})],
)
def test_it_is_local_unless_switched_on(environment: dict, secrets: dict) -> None:
    assert read(environment, secrets) is None


def test_the_environment_goes_before_the_secrets() -> None:
    found = read(
        {"FER_HOSTED": "1", "FER_HOSTED_EPOCHS": "7", "FER_HOSTED_DAYS": ""}, {"epochs": 9, "minutes": 5}
    )
    assert found == HostingSettings(epochs=7, minutes=5)
    assert read({}, {"enabled": True}) == HostingSettings()


@pytest.mark.parametrize(
    ("environment", "secrets", "says"),
    [
        ({"FER_HOSTED": "perhaps"}, {}, "FER_HOSTED='perhaps'"),
        ({}, {"enabled": "yes"}, "expected true or false"),
        (
            {"FER_HOSTED": "1", "FER_HOSTED_EPOCHS": "many"},
            {},
            "epochs: expected a whole number from 1 to 10000, got 'many'",
        ),
        ({"FER_HOSTED": "1", "FER_HOSTED_MINUTES": "0"}, {}, "minutes: expected a whole number"),
        ({"FER_HOSTED": "1", "FER_HOSTED_EPOCH": "3"}, {}, "Unknown hosting setting 'epoch'"),
        ({}, {"enabled": True, "upload_mb": True}, "upload_mb"),
    ],
)
def test_a_mistake_is_an_error_and_not_a_local_app(environment: dict, secrets: dict, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(environment, secrets)
