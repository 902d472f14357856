mock_provider "aws" {
  source = "../../tests/mocks"
}

run "it_can_be_planned" {
  command = plan

  variables {
    release_key = "tests/release.pub"
    update_zip  = "bootstrap.zip"
    emails      = ["operations@example.org"]
  }

  assert {
    condition     = length(output.chain.schedules) == 2
    error_message = "there is not one schedule for each shard"
  }
}
