"""What schemathesis looks at beside its own checks, of every answer."""

import schemathesis

# Operations that were done: each stands in a file once, for whoever wants to know which never were.
DONE = set()

# Why something of the right form may be refused for its form all the same; no schema can say it. By how the detail begins, where it does.
NOT_OF_THE_SCHEMA = {
    "cursor: ": "only an answer before makes one",
    "zone: ": "the calendar knows the names",
    "range: ": "only one way to choose a range",
    "month: ": "only one way to choose a range",
    "cycle: ": "only one way to choose a range, and only one that there was",
    "from: ": "only one way to choose a range, and times have an end",
    "to: ": "it is after from, and from is there",
    "search: ": "only with group_by",
    "sort: ": "difference only with compare",
    "compare: ": "nothing is before all",
    "interval: ": "not too many points",
    "plan: ": "only what is published has a name",
    "plan.version: ": "only what is published has versions",
    "rate_card: ": "only what is published has a name",
    "rate_card.version: ": "only what is published has versions",
}


def is_of_the_schema(case, detail):
    if any(detail.startswith(begin) for begin in NOT_OF_THE_SCHEMA) or "cursor: " in detail:
        return False
    # How a message is written is a matter of its adapter.
    if case.operation.path.startswith("/v1/adapters/"):
        return False
    # 3.0 is a whole number in JSON Schema, and none for creditd.
    if "floating point" in detail:
        return False
    is_live = case.operation.path.endswith("/calls") and (case.query or {}).get("state") != "finished"
    return not (is_live and "unknown field" in detail)


@schemathesis.check
def form_that_is_allowed_is_not_refused(ctx, response, case):
    """400 is for the form alone. What the content means may be refused otherwise."""
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    detail = problem["detail"]
    # A time may be too long ago, which is for its meaning.
    if problem["type"].endswith(":time_out_of_range"):
        return
    assert not is_of_the_schema(case, detail), f"the document allows it, and it is refused: {detail}"


@schemathesis.check
def kind_of_problem_is_told_of(ctx, response, case):
    """A problem is one of those that the document names for its status."""
    if "application/problem+json" not in response.headers.get("content-type", [""])[0]:
        return
    kind = response.json()["type"].rpartition(":")[2]
    if kind == "wrong_method" and response.status_code == 405 or kind == "unknown_route":
        return
    document = case.operation.schema.raw_schema
    told = document["paths"][case.operation.path][case.method.lower()]["responses"].get(str(response.status_code), {})
    known = document["components"]["responses"].get(told.get("$ref", "").rpartition("/")[2], {})
    assert kind in known.get("x-creditd-problems", []), f"the document does not tell of a {response.status_code} {kind}"


@schemathesis.hook
def after_call(context, case, response):
    operation = f"{response.request.method} {case.operation.path}"
    if response.status_code < 400 and operation not in DONE:
        DONE.add(operation)
        with open("done.txt", "a", encoding="utf-8") as done:
            done.write(f"{operation}\n")
