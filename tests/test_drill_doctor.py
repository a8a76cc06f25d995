"""What `drill doctor` says of this machine."""

import json

from click.testing import CliRunner

from stockops.cli.drill_doctor import doctor_command
from stockops.drills.faults import FAULTS


def test_the_doctor_tells_of_every_driver_of_every_fault_whether_it_works() -> None:
    ran = CliRunner().invoke(doctor_command, ["--format", "json"])
    lines = json.loads(ran.output)
    assert {(each["fault"], each["driver"]) for each in lines} == {
        (name, driver.name) for name, fault in FAULTS.items() for driver in fault.drivers
    }
    able = {each["fault"] for each in lines if each["works"] == "yes"}
    assert ran.exit_code == (0 if able == set(FAULTS) else 1)
