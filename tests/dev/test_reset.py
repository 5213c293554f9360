"""`make reset`."""

from tests.dev.project import Project


def reset(project: Project) -> tuple[int, str]:
    process = project.dev("reset")
    output = process.communicate()[0]
    return process.returncode, output


def test_only_the_data_of_run_is_deleted(project: Project) -> None:
    run = project.run().until_ready()
    mine = project.data / "notes.txt"
    mine.touch()
    refusal = ".data is in use by another `make run`: stop it, or set DATA_DIR.\n"
    assert reset(project) == (1, refusal)
    run.stop()
    assert reset(project) == (0, "Deleted .data: the next `make run` starts with a new database.\n")
    assert list(project.data.iterdir()) == [mine]
    assert reset(project) == (0, ".data holds nothing of `make run`.\n")
    mine.unlink()
    project.run().until_ready().stop()
    assert reset(project)[0] == 0
    assert not project.data.exists()


def test_a_folder_with_other_files_is_kept(project: Project) -> None:
    (project.data / "logs").mkdir(parents=True)
    assert reset(project) == (0, ".data holds nothing of `make run`.\n")
    assert (project.data / "logs").exists()
