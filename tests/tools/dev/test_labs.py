"""JupyterLab starts wherever its folders can be written, and says so where not."""

from pathlib import Path

import pytest

from tools.dev import labs

VARIABLES = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"]
VARIABLES += ["IPYTHONDIR"]


@pytest.fixture(params=["a file", "read-only", "nowhere"])
def home(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home in which no file can be made, also when root runs the test."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", *VARIABLES):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    if request.param == "a file":
        home.touch()
    elif request.param == "read-only":
        home = Path("/proc/self")
    else:
        home = tmp_path / "a file" / "home"
        home.parent.touch()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("tools.dev.labs.STATE", tmp_path / "state")
    monkeypatch.setattr("tools.dev.labs.LOG", tmp_path / "state" / "jupyterlab.log")
    return home


def test_a_home_that_can_be_written_stays_jupyters_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", *VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert {} == labs.moved_folders()


def test_a_home_that_cannot_be_written_moves_all_that_jupyter_keeps(home: Path) -> None:
    moved = labs.moved_folders()
    assert set(VARIABLES) == set(moved)
    assert all(Path(folder).is_dir() for folder in moved.values())
    assert len(moved) == len(set(moved.values()))


def test_a_user_without_a_home_gets_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.dev.labs.STATE", tmp_path)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert {"HOME": str(tmp_path / "home")} == labs.moved_folders()
    assert (tmp_path / "home").is_dir()


def test_a_folder_that_the_reader_has_named_stays(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "mine"))
    assert set(VARIABLES) - {"IPYTHONDIR"} == set(labs.moved_folders())


@pytest.mark.slow
@pytest.mark.parametrize("home", ["a file"], indirect=True)
def test_jupyterlab_starts_without_a_home(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with labs.jupyterlab() as lab:
        assert lab.url.startswith("http://127.0.0.1:")
    printed = capsys.readouterr()
    assert f"its usual folders (HOME is {home}), so it keeps" in printed.out
    assert "" == printed.err


def test_no_place_for_its_log_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").touch()
    monkeypatch.setattr("tools.dev.labs.STATE", tmp_path / "state")
    with (
        pytest.raises(labs.LabError, match=r"can't be written.*copy the whole folder"),
        labs.jupyterlab(),
    ):
        pass
