"""The OpenAPI document that is kept is the one that the code makes."""

from pathlib import Path

from wiseflow.core.configuration import Budget, Configuration
from wiseflow.server.configurations import BudgetBody, ConfigurationBody
from wiseflow.server.factory import api_document, render_api
from wiseflow.server.metrics_routes import USUAL_PATH
from wiseflow.settings.model import Settings

KEPT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"


def test_the_document_that_is_kept_is_up_to_date():
    assert KEPT.read_text(encoding="utf-8") == render_api(), "run `make docs`"


def test_every_operation_has_a_tag_a_summary_and_an_id_of_its_own():
    operations = [
        operation for methods in api_document()["paths"].values() for operation in methods.values()
    ]

    assert all(one["tags"] and one["summary"] and one["description"] for one in operations)
    ids = [one["operationId"] for one in operations]
    assert len(set(ids)) == len(ids)


def test_the_document_tells_the_usual_path_of_the_metrics():
    assert Settings.model_fields["metrics_path"].get_default() == USUAL_PATH


def test_a_configuration_has_every_field_with_the_same_default():
    fields = ConfigurationBody.model_fields

    assert set(fields) == set(Configuration.__slots__)
    assert set(BudgetBody.model_fields) == set(Budget.__slots__)
    for name, field in fields.items():
        if name != "budget":
            usual = getattr(Configuration(), name)
            assert field.get_default() == (list(usual) if isinstance(usual, tuple) else usual)
