"""Validates answers against an OpenAPI document: {"document": …, "answers": [{"path", "method", "status", "media", "body"}, …]}
on the standard input. Prints a line for each that is not as the document says, also for a field that it does not know."""

import json
import sys

from jsonschema_rs import Draft202012Validator, meta
from openapi_spec_validator import OpenAPIV31SpecValidator

IN_PLACE = ("allOf", "anyOf", "oneOf")
OF_FIELDS = ("properties", "patternProperties")
SAYS = ("$ref", "type", "properties", *IN_PLACE)


def strict(schema, is_value=False):
    """The schema with no other fields than those it names, of a value wherever one begins."""
    if not isinstance(schema, dict):
        return schema
    told = dict(schema)
    for word in IN_PLACE:
        if word in told:
            told[word] = [strict(one) for one in told[word]]
    for word in OF_FIELDS:
        if word in told:
            told[word] = {name: strict(field, True) for name, field in told[word].items()}
    for word in ("items", "additionalProperties"):
        if word in told:
            told[word] = strict(told[word], True)
    if is_value and any(word in told for word in SAYS):
        told["unevaluatedProperties"] = False
    return told


def deref(document, value):
    while isinstance(value, dict) and "$ref" in value:
        found = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def main():
    asked = json.load(sys.stdin)
    document = asked["document"]
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        print(f"the document: {list(error.path)}: {error.message[:600]}")
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    known = {name: strict(schema) for name, schema in schemas.items()}
    for answer in asked["answers"]:
        where = f"{answer['method']} {answer['path']} {answer['status']}"
        responses = document["paths"][answer["path"]][answer["method"].lower()]["responses"]
        if str(answer["status"]) not in responses:
            print(f"{where}: not a status that is told of: {list(responses)}")
            continue
        response = deref(document, responses[str(answer["status"])])
        content = response.get("content", {})
        media = answer["media"].split(";")[0]
        if not media and not content:
            continue
        if media not in content:
            print(f"{where}: {media!r} is none of {list(content)}")
            continue
        schema = {**strict(content[media]["schema"], True), "components": {"schemas": known}}
        validator = Draft202012Validator(schema, validate_formats=True)
        for error in validator.iter_errors(answer["body"]):
            print(f"{where}: {list(error.instance_path)}: {error.message[:600]}")
        kinds = response.get("x-creditd-problems")
        if kinds is not None and answer["body"]["type"].rpartition(":")[2] not in kinds:
            print(f"{where}: {answer['body']['type']} is none of its problems")


main()
