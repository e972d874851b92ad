"""Patients for the tests of the examination."""

from pathlib import Path
from typing import Any

from percorso.config.schema import Configuration
from percorso.core.settings.schema import Document
from percorso.operations.doctor.patient import Patient
from tests.network.network import Network
from tests.network.ways_out import ways_out


def patient(folder: Path, network: Network | None = None, *, document: Document | None = None, **given: Any) -> Patient:
    """A node whose data is in `folder`. `given`: targets, addresses, or sections of the configuration."""
    targets, addresses = given.pop("targets", ()), given.pop("addresses", ())
    sections = {"node": {"name": "mail1.corp.test", "data_dir": folder}, **given}
    return Patient(
        configuration=Configuration.model_validate(sections),
        document=document,
        last_change=0.0,
        secrets=frozenset(),
        network=ways_out(network),
        targets=targets,
        addresses=addresses,
    )
