"""A SLURM of one machine, for tests: sbatch starts the tasks of an array as processes, squeue says whether any lives, scontrol requeues.

Called by the name of the command that it stands for; its state is in the folder FAKE_SLURM.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

STATE = Path(os.environ.get("FAKE_SLURM", "."))
JOB = "7"


def sbatch(script):
    text = Path(script).read_text()
    if "--partition=closed" in text:
        sys.exit("sbatch: error: invalid partition specified: closed")
    (STATE / "submitted").open("a").write("x")
    array = re.search(r"^#SBATCH --array=0-(\d+)", text, re.MULTILINE)
    for index in range(int(array[1]) + 1) if array else [None]:
        name = JOB if index is None else f"{JOB}_{index}"
        ids = {"SLURM_JOB_ID": JOB, "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1"}
        if index is not None:
            ids |= {"SLURM_ARRAY_JOB_ID": JOB, "SLURM_ARRAY_TASK_ID": str(index)}
        command = [sys.executable, __file__, "task", script, name]
        nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        process = subprocess.Popen(command, env={**os.environ, **ids}, start_new_session=True, **nowhere)
        (STATE / f"task-{name}").write_text(str(process.pid))
    print(f"Submitted batch job {JOB}")


def task(script, name):
    """One task; put back into the queue, it begins again."""
    again = STATE / f"requeue-{name}"
    while True:
        again.unlink(missing_ok=True)
        subprocess.run(["bash", script], check=False)
        if not again.exists():
            return


def srun(*arguments):
    """Options as submitit gives them; --output and --error hold %A, %a or %j, %t."""
    rest, files = list(arguments), {}
    while rest[0].startswith("-"):
        option = rest.pop(0)
        if option != "--unbuffered":
            name = rest.pop(0).replace("%A", JOB).replace("%j", JOB).replace("%t", "0")
            files[option] = Path(name.replace("%a", os.environ.get("SLURM_ARRAY_TASK_ID", "")))
    with files["--output"].open("a") as out, files["--error"].open("a") as err:
        sys.exit(subprocess.run(rest, check=False, stdout=out, stderr=err).returncode)


def squeue(*arguments):
    for path in STATE.glob("task-*"):
        try:
            fields = Path(f"/proc/{path.read_text()}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            print(path.name)
            return
    sys.exit("slurm_load_jobs error: Invalid job id specified")


def scontrol(verb, job):
    (STATE / f"{verb}-{job}").touch()


if __name__ == "__main__":
    called = Path(sys.argv[0]).name
    if called == "fake_slurm.py":
        task(*sys.argv[2:])
    else:
        {"sbatch": sbatch, "srun": srun, "squeue": squeue, "scontrol": scontrol}[called](*sys.argv[1:])
