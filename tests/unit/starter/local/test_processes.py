from pathlib import Path

from starter.local.processes import write_environment


def test_no_other_user_may_read_it_even_where_a_readable_file_was_before(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text("export OLD=1\n")
    file.chmod(0o644)

    write_environment(file, {"NEW": "1"})

    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "export NEW=1\n"
