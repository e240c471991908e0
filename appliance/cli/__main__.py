"""`python -m appliance.cli` is `glassnat`."""

from appliance.cli import main

main()
