"""``python -m clocker.cli``"""

from clocker.cli.main import main

main()
