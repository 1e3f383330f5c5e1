"""Activities that run in threads end by themselves when they are cancelled."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
ENDS_BY_ITSELF = "activity.defn(no_thread_cancel_exception=True)"


def find_threaded() -> dict[str, list[str]]:
    """Return the decorators of each activity that is no coroutine, by file and name."""
    return {
        f"{file.name}:{function.name}": [ast.unparse(each) for each in function.decorator_list]
        for file in sorted((ROOT / "activities").glob("*.py"))
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef)
        and any(ast.unparse(each).startswith("activity.defn") for each in function.decorator_list)
    }


def test_no_cancellation_is_raised_in_the_middle_of_a_thread_where_it_may_leave_a_lock_taken() -> None:
    found = find_threaded()
    assert len(found) > 20
    assert {name: each for name, each in found.items() if ENDS_BY_ITSELF not in each} == {}
