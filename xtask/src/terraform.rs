//! The Terraform module: what can be said of it without an account, and all of it made and taken away on an emulator.

use anyhow::{Result, bail};

use crate::{
    command::{find, program, root},
    servers,
};

/// Runs both scripts of `infra/terraform`. What they say is printed when they have ended, since other checks run beside.
pub(crate) fn check() -> Result<()> {
    if find("terraform").is_none() {
        println!("SKIPPED: there is no terraform, so the module was not looked at");
        return Ok(());
    }
    for script in ["check", "apply-on-moto"] {
        let mut command = program(root().join("infra/terraform").join(script));
        let output = command.env("SIGCACHE_TOOLS", servers::tools()).output()?;
        println!("$ infra/terraform/{script}");
        print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("infra/terraform/{script} ended with {}", output.status);
        }
    }
    Ok(())
}
