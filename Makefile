# The users' own targets first; each is one command that can be typed as well.
.PHONY: drill test dr-drill sweep sweep-faults test-costly lint types imports schemas sample

drill:
	python3 bootstrap.py drill

test:
	python3 bootstrap.py test

# make dr-drill BACKUP_URI=s3://… IMAGE_REF=…@sha256:…   (a live drill; drproof.toml names target and accounts)
dr-drill:
	@test -n "$(BACKUP_URI)" || { echo "BACKUP_URI is not set; next: make dr-drill BACKUP_URI=s3://… IMAGE_REF=…" >&2; exit 4; }
	@test -n "$(IMAGE_REF)" || { echo "IMAGE_REF is not set; next: make dr-drill BACKUP_URI=s3://… IMAGE_REF=…" >&2; exit 4; }
	pytest -m drill --backup-uri "$(BACKUP_URI)" --image-ref "$(IMAGE_REF)" $(DRILL_OPTIONS)

# Every kill point, pair of kills, interruption and mutant, and each costly test; CI samples them (docs/testing.md).
sweep:
	python3 bootstrap.py test -m "(exhaustive or costly) and not every_call"

# Every call of a drill by each provisioner, struck by a fault: some hours.
sweep-faults:
	python3 bootstrap.py test -m "exhaustive or costly" tests/drill/test_faults.py

# Each costly test of whichever day that is not exhaustive: make sweep runs those.
test-costly:
	python3 bootstrap.py test -m "costly and not exhaustive"

lint:
	python3 bootstrap.py python -m ruff check .
	python3 bootstrap.py python -m ruff format --check .

types:
	python3 bootstrap.py python -m mypy

imports:
	.venv/bin/lint-imports

schemas:
	.venv/bin/drproof schemas write schemas

# The committed sample: made anew when a type of evidence changes.
sample:
	rm -rf reports/sample reports/sample.allure
	EMBEDDED_WORLD_MEMBERS=60 python3 bootstrap.py drill --run-id sample
	cp .drproof/trust.json reports/sample.trust.json
