mock_provider "aws" {
  source = "../../tests/mocks"
}

run "it_can_be_planned" {
  command = plan

  variables {
    release_key = "tests/release.pub"
    update_zip  = "../../placeholder/placeholder.zip"
    emails      = ["operations@example.org"]
  }

  assert {
    condition     = length(output.chain.schedules) == 1
    error_message = "a store that a first POST /sync makes is in one piece, and so must be the schedule"
  }
}

run "two_in_one_account_do_not_meet" {
  command = plan

  variables {
    name          = "second"
    architecture  = "x86_64"
    release_key   = "tests/release.pub"
    update_zip    = "../../placeholder/placeholder.zip"
    emails        = ["operations@example.org"]
    force_destroy = true
  }

  assert {
    condition     = aws_secretsmanager_secret.token.name == "second-token" && startswith(output.chain.endpoint_function, "second-")
    error_message = "something is named otherwise than by name"
  }

  assert {
    condition     = aws_secretsmanager_secret.token.recovery_window_in_days == 0
    error_message = "what was destroyed cannot be made again by the same name"
  }
}
